import { DavError } from '../dav/error.js'
import { recordTypes, type DirectoryRecord, type RecordType } from '../directory/record.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { elements, text, type Element } from '../xml/element.js'
import { cs, dav } from '../xml/name.js'
import { demandDepth0, replyAbout } from './named.js'
import { limitIn } from './principal-property-search.js'
import type { Report } from './report.js'
import { caseless, caselessValues, principalsWhere, searchable } from './searchable.js'

/** Apple's search by what somebody types into a field for people (OS X 10.9 on, when the DAV header names it). */
export const calendarserverPrincipalSearch: Report = { name: cs('calendarserver-principal-search'), privilege: dav('read'), run }

const contexts: Readonly<Record<string, readonly RecordType[]>> = {
  attendee: ['users', 'groups', 'resources'],
  user: ['users'],
  group: ['groups'],
  location: ['locations'],
  resource: ['resources']
}

const rows = searchable.filter(({ name }) => name === dav('displayname') || name === cs('email-address-set') || name === cs('record-name'))
const mostTokens = 20

async function run (request: DavRequest, _resource: Resource, query: Element): Promise<DavReply> {
  demandDepth0(request)
  const { context } = query.attributes
  const types = context === undefined ? recordTypes : contexts[context]
  if (types === undefined || !Object.hasOwn(contexts, context ?? 'user')) throw new DavError(400, `context="${context?.slice(0, 100) ?? ''}", expected one of ${Object.keys(contexts).join(', ')}`)
  const tokens = elements(query, cs('search-token')).map(token => caseless(text(token).trim())).filter(token => token !== '')
  if (tokens.length === 0 || tokens.length > mostTokens) throw new DavError(400, `calendarserver-principal-search expects 1 to ${mostTokens} CS:search-token that are not empty`)
  const passes = (record: DirectoryRecord): boolean => tokens.every(token => rows.some(row => caselessValues(row, record).some(value => hasWord(value, token))))
  return replyAbout(request, query, principalsWhere(request.site.directory, types, passes), limitIn(query))
}

/** Whether some word in a text begins with the token: "ex" finds "Alice Example" and alice@example.com, "lic" neither. */
function hasWord (value: string, token: string): boolean {
  for (let at = value.indexOf(token); at !== -1; at = value.indexOf(token, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(value[at - 1] ?? '')) return true
  }
  return false
}
