import { DavError } from '../dav/error.js'
import { prefer } from '../dav/header.js'
import { Multistatus } from '../dav/multistatus.js'
import { multistatusStream } from '../dav/reply.js'
import { calendarUserAddresses, recordTypes, type DirectoryRecord } from '../directory/record.js'
import { Answers, wantedIn } from '../property/answer.js'
import type { DavReply, DavRequest } from '../site/request.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { child, elements, text, type Element } from '../xml/element.js'
import { caldav, cs, dav, type Name } from '../xml/name.js'
import type { Report } from './report.js'

/** RFC 3744 9.4, with Apple's `type`, `test` and `match-type`. */
export const principalPropertySearch: Report = { name: dav('principal-property-search'), privilege: dav('read'), run }

/** A property by which principals can be found. */
interface Searchable { readonly name: Name, readonly meaning: string, readonly values: (record: DirectoryRecord) => readonly string[] }

/** The table of what can be searched. */
export const searchable: readonly Searchable[] = [
  { name: dav('displayname'), meaning: 'Full name', values: record => [record.fullName] },
  { name: cs('email-address-set'), meaning: 'Mail addresses', values: record => record.emails },
  { name: caldav('calendar-user-address-set'), meaning: 'Calendar addresses', values: calendarUserAddresses },
  { name: caldav('calendar-user-type'), meaning: 'Person, group, room or resource', values: ({ type }) => [userTypes[type]] },
  { name: cs('record-name'), meaning: 'Short name', values: record => [record.name, ...record.aliases] }
]

const userTypes = { users: 'INDIVIDUAL', groups: 'GROUP', locations: 'ROOM', resources: 'RESOURCE' } as const

const most = 500

interface Test { readonly values: Searchable['values'] | undefined, readonly text: string, readonly type: string }

async function run (request: DavRequest, resource: Resource, query: Element): Promise<DavReply> {
  const { site, user, headers } = request
  const searches = elements(query, dav('property-search'))
  if (searches.length === 0) throw new DavError(400, 'principal-property-search expects a DAV:property-search')
  const tests = searches.map(testsIn)
  const wantedType = query.attributes['type']
  const any = query.attributes['test'] === 'anyof'
  const found: DirectoryRecord[] = recordTypes.filter(type => wantedType === undefined || userTypes[type] === wantedType)
    .flatMap(type => site.directory.all(type))
    .filter(record => any ? tests.some(each => hold(each, record)) : tests.every(each => hold(each, record)))
  const answers = new Answers(site, user, wantedIn(query), prefer(headers).return === 'minimal')
  const multistatus = new Multistatus()
  return multistatusStream(multistatus, async function * () {
    for (const record of found.slice(0, most)) {
      const principal: Resource = { kind: 'principal', segments: ['principals', '__uids__', record.guid], owner: record }
      await answers.prepare(principal)
      multistatus.addText(hrefOf(principal), answers.of(principal))
      yield
    }
    if (found.length > most) multistatus.addStatus(hrefOf(resource), 507, 'number-of-matches-within-limits')
  })
}

function testsIn (search: Element): Test[] {
  const prop = child(search, dav('prop'))
  const match = child(search, dav('match'))
  if (prop === undefined || match === undefined) throw new DavError(400, 'DAV:property-search expects DAV:prop and DAV:match')
  const wanted = comparable(text(match).trim())
  return elements(prop).map(({ name }) => ({
    values: searchable.find(row => row.name === name)?.values, text: wanted, type: match.attributes['match-type'] ?? 'contains'
  }))
}

// RFC 3744 9.4: all properties of one DAV:property-search have to match
function hold (tests: readonly Test[], record: DirectoryRecord): boolean {
  return tests.length > 0 && tests.every(test => holds(test, record))
}

// RFC 3744 9.4: a property that cannot be searched matches nothing
function holds ({ values, text: wanted, type }: Test, record: DirectoryRecord): boolean {
  return values !== undefined && wanted !== '' && values(record).some(value => {
    const has = comparable(value)
    return type === 'equals' ? has === wanted : type === 'starts-with' ? has.startsWith(wanted) || has.startsWith(`mailto:${wanted}`) : has.includes(wanted)
  })
}

function comparable (value: string): string {
  return value.normalize('NFC').toLowerCase()
}
