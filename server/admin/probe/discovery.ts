import { caldav, dav, type Name } from '../../xml/name.js'
import { propfind } from './body.js'
import type { Answer } from './caller.js'
import { explain, summary } from './explain.js'
import { componentsIn, hrefsIn, namesIn, readMultistatus, type Told } from './multistatus.js'
import { isScratch, type Step, type Visit } from './visit.js'

/** Where a client looks: what was typed, what was typed when it has a path, DNS (RFC 6764 3), the well-known path (RFC 6764 5), other paths. */
export type Place = 'typed' | 'typed path' | 'records' | '/.well-known/caldav' | '/' | '/principals/'

/** The steps of clients differ in this. */
interface Search {
  readonly name: string
  readonly places: readonly Place[]
  readonly properties: readonly Name[]
  /** Whether a refused password ends the search, as a wrong one would. */
  readonly stopsAt401?: boolean
  /** Also takes a calendar, or the home set, without asking the principal. */
  readonly takesHome?: boolean
  /** What the principal must offer, else it is not taken. */
  readonly accepts?: (visit: Visit, principal: URL) => Promise<Answer | undefined>
}

/** Looks for the principal of the user (RFC 5397) in one place after the other. */
export function findPrincipal (search: Search): Step {
  return {
    name: search.name,
    run: async visit => {
      const misses: { answer: Answer, why: string }[] = []
      const hrefs = new Set(search.places.flatMap(place => urlsOf(visit, place)).map(({ href }) => href))
      for (const url of [...hrefs].map(href => new URL(href))) {
        const answer = await visit.ask('PROPFIND', url, { depth: '0', body: propfind(search.properties) })
        if (answer.status === 401 && search.stopsAt401 === true) visit.failBy(answer)
        const why = answer.status === 207 ? await tryOne(visit, search, answer) : summary(answer)
        if (why === undefined) return
        misses.push({ answer, why })
      }
      lost(visit, misses)
    }
  }
}

/** Why the answer did not help; undefined when it did. */
async function tryOne (visit: Visit, { takesHome = false, accepts }: Search, answer: Answer): Promise<string | undefined> {
  const [one] = visit.readAnswer(answer, '0').told
  const homes = hrefsIn(one, caldav('calendar-home-set'))
  if (takesHome && homes.length > 0) {
    visit.homes = homes.map(href => visit.follow(answer, href, 'calendar-home-set'))
    visit.principal = principalOf(visit, answer, one)
    return undefined
  }
  const principal = principalOf(visit, answer, one)
  if (principal === undefined) return `${summary(answer)} without current-user-principal`
  const refusal = await accepts?.(visit, principal)
  if (refusal !== undefined) return `${summary(answer)}, but its principal ${principal.pathname} is not taken`
  visit.principal = principal
  return undefined
}

function principalOf (visit: Visit, answer: Answer, one: Told | undefined): URL | undefined {
  for (const name of [dav('current-user-principal'), dav('principal-URL')]) {
    const [href] = hrefsIn(one, name)
    if (href !== undefined) return visit.follow(answer, href, name.slice(name.indexOf('}') + 1))
  }
  return namesIn(one, dav('resourcetype')).has(dav('principal')) ? answer.url : undefined
}

/** Ends the visit for what was said at the best of the places: the first that has the answer of a CalDAV server, or else the first at all. */
function lost (visit: Visit, misses: readonly { answer: Answer, why: string }[]): never {
  const best = misses.find(({ answer }) => answer.status === 207) ?? misses.find(({ answer }) => answer.status !== 404) ?? misses[0]
  if (best === undefined) visit.fail('nowhere to look', 'type the whole URL of the calendars')
  const tried = misses.map(({ answer, why }) => `${answer.asked.url.pathname}: ${why}`).join('; ')
  // What the client does not take was said already
  if (visit.findings.some(({ severity }) => severity === 'fails')) visit.stop()
  if (best.answer.status !== 207) {
    const { problem, advice } = explain(best.answer)
    visit.fail(misses.length === 1 ? problem : `${problem} (${tried})`, advice, best.answer)
  }
  const [one] = readMultistatus(best.answer).told
  visit.fail(namesIn(one, dav('current-user-principal')).has(dav('unauthenticated')) ? 'the server answers as if nobody had logged in' : `the user's principal is nowhere to be found (${tried})`,
    'the server has to tell DAV:current-user-principal (RFC 5397), at / or where /.well-known/caldav leads; does something in front take the Authorization header away?', best.answer)
}

function urlsOf ({ start, records }: Visit, place: Place): readonly URL[] {
  if (place === 'records') return records
  if (place === 'typed') return [start]
  if (place === 'typed path') return start.pathname === '/' ? [] : [start]
  return [new URL(place, start)]
}

/** OPTIONS somewhere: what the DAV header has to name (RFC 4791 5.1), and which methods Allow. */
export function offers ({ name, at, problem, methods = [] }: { readonly name: string, readonly at: (visit: Visit) => readonly URL[], readonly problem: string, readonly methods?: readonly string[] }): Step {
  return {
    name,
    run: async visit => {
      for (const url of at(visit)) {
        const answer = await visit.ask('OPTIONS', url)
        if (answer.status < 200 || answer.status > 299) visit.failBy(answer)
        if (!classesOf(answer).has('calendar-access')) visit.fail(...withoutAccess(answer, problem), answer)
        const allowed = (answer.headers['allow'] ?? []).join(',').toUpperCase()
        if (methods.length > 0 && !methods.some(method => allowed.includes(method))) {
          visit.find('remark', `Allow does not name ${methods.join(', ')}: the calendar is taken for read-only`, 'let the server answer OPTIONS, not something in front of it', answer)
        }
      }
    }
  }
}

/** What to say of an answer to OPTIONS that does not name calendar-access. */
export function withoutAccess (answer: Answer, problem: string): readonly [problem: string, advice: string] {
  const dav = answer.headers['dav']
  return [`${dav === undefined ? 'the DAV header is missing' : `the DAV header does not name calendar-access (${dav.join(', ').slice(0, 200)})`}: ${problem}`,
    'OPTIONS has to reach the CalDAV server, and its DAV header has to come back: the web server in front must neither answer OPTIONS itself (CORS rules do) nor take the header away']
}

/** The words of the DAV header (RFC 4918 10.1). */
export function classesOf ({ headers }: Answer): ReadonlySet<string> {
  return new Set((headers['dav'] ?? []).join(',').split(',').map(word => word.trim().toLowerCase()))
}

/** Asks the principal for its home set, if that is not known yet. @param look  further looks at the answer */
export function askHome ({ name, properties, look }: { readonly name: string, readonly properties: readonly Name[], readonly look?: (visit: Visit, told: Told, answer: Answer) => void }): Step {
  return {
    name,
    run: async visit => {
      if (visit.principal === undefined) return
      if (visit.homes.length > 0 && look === undefined) return
      const { told: [one], answer } = await visit.read('PROPFIND', visit.principal, { depth: '0', body: propfind(properties) })
      const hrefs = hrefsIn(one, caldav('calendar-home-set'))
      if (one === undefined || hrefs.length === 0) return visit.fail('the principal names no calendar-home-set (RFC 4791 6.2.1): there is nowhere to look for calendars', 'this is a fault of the server, or the account may have no calendars', answer)
      visit.principalTold = one
      visit.homes = hrefs.map(href => visit.follow(answer, href, 'calendar-home-set'))
      look?.(visit, one, answer)
    }
  }
}

/** Lists the homes. @param none  what it means for the client when there is no calendar; look  further looks at each calendar */
export function listCalendars ({ name, properties, none, look }: {
  readonly name: string, readonly properties: readonly Name[], readonly none: readonly ['fails' | 'remark', string]
  readonly look?: (visit: Visit, all: readonly Told[], answer: Answer) => void
}): Step {
  return {
    name,
    run: async visit => {
      let last: Answer | undefined
      for (const home of visit.homes) {
        const { told, answer } = await visit.read('PROPFIND', home, { depth: '1', body: propfind(properties) })
        last = answer
        const calendars = told.filter(one => namesIn(one, dav('resourcetype')).has(caldav('calendar')) && one.url !== undefined)
        look?.(visit, told, answer)
        visit.calendars.push(...calendars.flatMap(one => one.url === undefined ? [] : [{ url: one.url, told: one, components: componentsIn(one, caldav('supported-calendar-component-set')) }]))
        const bare = calendars.find(({ href }) => !href.endsWith('/'))
        if (bare !== undefined) visit.find('remark', `the href of a calendar has no slash at its end (${bare.href}): some clients ask twice or not at all`, 'hrefs of collections end with a slash (RFC 4918 5.2)', answer)
      }
      if (visit.calendars.some(({ url }) => !isScratch(visit, url))) return
      const [severity, problem] = none
      visit.find(severity, problem, 'make a calendar for the user on the server', last)
      if (visit.calendars.length === 0 && severity === 'fails') visit.stop()
    }
  }
}
