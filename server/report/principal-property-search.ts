import { DavError } from '../dav/error.js'
import { recordTypes, type DirectoryRecord, type RecordType } from '../directory/record.js'
import { userTypes } from '../property/principal.js'
import type { DavReply, DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { cs, dav } from '../xml/name.js'
import { demandDepth0, mostPrincipals, replyAbout } from './named.js'
import type { Report } from './report.js'
import { caseless, caselessValues, principalsWhere, searchable, type Searchable } from './searchable.js'

/** RFC 3744 9.4, with Apple's `type`, `test`, `match-type`, `caseless` and CS:limit. */
export const principalPropertySearch: Report = { name: dav('principal-property-search'), privilege: dav('read'), run }

/** One property that has to hold a text. */
interface Test { readonly row: Searchable | undefined, readonly text: string, readonly compare: Compare, readonly isCaseless: boolean }

type Compare = (value: string, wanted: string) => boolean

const comparisons: Readonly<Record<string, Compare>> = {
  contains: (value, wanted) => value.includes(wanted),
  'starts-with': (value, wanted) => value.startsWith(wanted) || value.startsWith(`mailto:${wanted}`),
  equals: (value, wanted) => value === wanted
}

const mostTests = 100

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  demandDepth0(request)
  const searches = elements(query, dav('property-search')).map(testsIn)
  if (searches.length === 0) throw new DavError(400, 'principal-property-search expects a DAV:property-search')
  if (searches.flat().length > mostTests) throw new DavError(413, `principal-property-search compares at most ${mostTests} properties`)
  const isAny = oneOf(query, 'test', ['allof', 'anyof'], 'allof') === 'anyof'
  const passes = (record: DirectoryRecord): boolean => isAny ? searches.some(tests => hold(tests, record)) : searches.every(tests => hold(tests, record))
  const types = typesOf(query, child(query, dav('apply-to-principal-collection-set')) === undefined ? typesBelow(resource) : recordTypes)
  return replyAbout(request, query, principalsWhere(request.site.directory, types, passes), limitIn(query))
}

/** The types of the principals that are members of a collection, at any depth. */
function typesBelow ({ kind, segments }: Resource): readonly RecordType[] {
  if (kind === 'root') return recordTypes
  if (kind !== 'principals') return []
  const [, group] = segments
  return recordTypes.filter(type => group === undefined || group === '__uids__' || group === type)
}

function typesOf (query: Element, types: readonly RecordType[]): readonly RecordType[] {
  const wanted = oneOf(query, 'type', Object.values(userTypes), undefined)
  return wanted === undefined ? types : types.filter(type => userTypes[type] === wanted)
}

function oneOf<Missing> (element: Element, attribute: string, words: readonly string[], missing: Missing): string | Missing {
  const word = element.attributes[attribute]
  if (word !== undefined && !words.includes(word)) throw new DavError(400, `${element.name}: ${attribute}="${word.slice(0, 100)}", expected one of ${words.join(', ')}`)
  return word ?? missing
}

/** CS:limit with CS:nresults; never more than the server tells at once. @throws DavError 400 */
export function limitIn (query: Element): number {
  const limit = child(query, cs('limit'))
  const wanted = limit === undefined ? undefined : child(limit, cs('nresults'))
  if (wanted === undefined) return mostPrincipals
  const digits = text(wanted).trim()
  if (!/^\d{1,9}$/.test(digits) || Number(digits) === 0) throw new DavError(400, `CS:nresults: expected a number from 1, found ${digits.slice(0, 100)}`)
  return Math.min(Number(digits), mostPrincipals)
}

function testsIn (search: Element): Test[] {
  const prop = child(search, dav('prop'))
  const match = child(search, dav('match'))
  if (prop === undefined || match === undefined) throw new DavError(400, 'DAV:property-search expects DAV:prop and DAV:match')
  const compare = comparisons[oneOf(match, 'match-type', Object.keys(comparisons), 'contains')] as Compare
  const isCaseless = oneOf(match, 'caseless', ['yes', 'no'], 'yes') === 'yes'
  const wanted = text(match).trim()
  return elements(prop).map(({ name }) => ({ row: searchable.find(row => row.name === name), text: isCaseless ? caseless(wanted) : wanted, compare, isCaseless }))
}

// RFC 3744 9.4: all properties of one DAV:property-search have to match; one that cannot be searched matches nothing
function hold (tests: readonly Test[], record: DirectoryRecord): boolean {
  return tests.length > 0 && tests.every(({ row, text: wanted, compare, isCaseless }) => {
    if (row === undefined || wanted === '') return false
    return (isCaseless ? caselessValues(row, record) : row.values(record)).some(value => compare(value, wanted))
  })
}
