import type { Answer } from './connection.js'
import { event, month } from './event.js'
import type { Seat } from './seat.js'

/** One thing that clients do. */
export interface Operation {
  readonly name: string
  /** How many times faster than the better peer we want to be. */
  readonly goal?: number
  /** At most this many in one round. */
  readonly most: number
  /** With true a round goes on until `step` has nothing left to do. */
  readonly untilDone?: boolean
  /**
   * Does it once: milliseconds of the measured request alone, undefined when there is nothing left to do.
   * @throws Error when the answer is not what it should be
   */
  step (seat: Seat, turn: number): Promise<number | undefined>
}

/** In the order of one round: what is added is deleted before the next listing. */
export const operations: readonly Operation[] = [
  { name: 'GET', goal: 20, most: 1000, step: get },
  { name: 'PROPFIND Depth 1', goal: 5, most: 200, step: propfind },
  { name: 'calendar-query, a month', goal: 30, most: 500, step: query },
  { name: 'calendar-multiget of 50', goal: 5, most: 300, step: multiget },
  { name: 'sync-collection after one change', goal: 50, most: 200, step: sync },
  { name: 'PUT change', goal: 10, most: 200, step: change },
  { name: 'PUT new', goal: 10, most: 20, step: add },
  { name: 'DELETE', most: 1000, untilDone: true, step: remove }
]

/** PROPFIND Depth 1 for the ETags; throws when a member is missing. */
export async function propfind (seat: Seat): Promise<number> {
  const answer = await seat.ask({ method: 'PROPFIND', path: '', headers: { ...xml, depth: '1' }, body: etags }, 207)
  expect('responses', responses(answer), seat.samples.length + seat.added.length + 1)
  return answer.milliseconds
}

/** GET of one event. */
export async function get (seat: Seat, turn: number): Promise<number> {
  const { name } = some(seat, turn)
  return (await seat.ask({ method: 'GET', path: name }, 200)).milliseconds
}

async function query (seat: Seat, turn: number): Promise<number> {
  const { start, end } = month(turn)
  const body = `<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter>
<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="${start}" end="${end}"/></C:comp-filter></C:comp-filter>
</C:filter></C:calendar-query>`
  const answer = await seat.ask({ method: 'REPORT', path: '', headers: { ...xml, depth: '1' }, body }, 207)
  seat.found.set(start, responses(answer))
  return answer.milliseconds
}

async function multiget (seat: Seat, turn: number): Promise<number> {
  const wanted = Math.min(50, seat.samples.length)
  const hrefs = Array.from({ length: wanted }, (_, n) =>
    `<D:href>${seat.contender.calendar}${at(seat, turn * 50 + n).name}</D:href>`)
  const body = `<?xml version="1.0" encoding="utf-8"?>
<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>${hrefs.join('')}</C:calendar-multiget>`
  const answer = await seat.ask({ method: 'REPORT', path: '', headers: { ...xml, depth: '1' }, body }, 207)
  expect('events', count(answer, /BEGIN:VEVENT/g), wanted)
  return answer.milliseconds
}

async function sync (seat: Seat, turn: number): Promise<number> {
  seat.token ??= await firstToken(seat)
  await change(seat, turn)
  const body = `<?xml version="1.0" encoding="utf-8"?>
<D:sync-collection xmlns:D="DAV:"><D:sync-token>${seat.token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
  const answer = await seat.ask({ method: 'REPORT', path: '', headers: { ...xml, depth: '0' }, body }, 207)
  expect('changes', responses(answer), 1)
  seat.token = token(answer)
  return answer.milliseconds
}

async function change (seat: Seat, turn: number): Promise<number> {
  const { name, n } = some(seat, turn)
  // A client knows the ETag before it writes, so asking for it is not part of the time
  const etag = seat.etags.get(name) ?? (await seat.ask({ method: 'HEAD', path: name }, 200)).headers.get('etag') ?? '*'
  const body = event(n, ++seat.version).text
  const answer = await seat.ask({ method: 'PUT', path: name, headers: { ...calendar, 'if-match': etag }, body }, 200, 201, 204)
  remember(seat, name, answer)
  return answer.milliseconds
}

async function add (seat: Seat): Promise<number> {
  const { name, text } = event(1_000_000 + seat.version++)
  const answer = await seat.ask({ method: 'PUT', path: name, headers: { ...calendar, 'if-none-match': '*' }, body: text }, 200, 201, 204)
  seat.added.push(name)
  seat.token = undefined
  return answer.milliseconds
}

async function remove (seat: Seat): Promise<number | undefined> {
  const name = seat.added.pop()
  if (name === undefined) return undefined
  return (await seat.ask({ method: 'DELETE', path: name }, 200, 204)).milliseconds
}

async function firstToken (seat: Seat): Promise<string> {
  const body = '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
  return token(await seat.ask({ method: 'PROPFIND', path: '', headers: { ...xml, depth: '0' }, body }, 207))
}

const xml = { 'content-type': 'application/xml; charset=utf-8' }
const calendar = { 'content-type': 'text/calendar; charset=utf-8' }
const etags = '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'

/** A member far from the one before, the same for every server. */
function some (seat: Seat, turn: number): { name: string, n: number } {
  return at(seat, Math.imul(turn, 7919) >>> 0)
}

function at (seat: Seat, turn: number): { name: string, n: number } {
  const n = turn % seat.samples.length
  return { name: seat.samples[n]?.name ?? '', n }
}

function remember (seat: Seat, name: string, answer: Answer): void {
  const etag = answer.headers.get('etag')
  if (etag === undefined) seat.etags.delete(name)
  else seat.etags.set(name, etag)
}

function token (answer: Answer): string {
  const found = /<(?:[\w-]+:)?sync-token[^>]*>([^<]+)</.exec(answer.body.toString())?.[1]
  if (found === undefined) throw new Error(`no sync-token in ${answer.body.toString('utf8', 0, 300)}`)
  return found
}

function responses (answer: Answer): number {
  return count(answer, /<(?:[\w-]+:)?response[\s>]/g)
}

function count (answer: Answer, pattern: RegExp): number {
  return answer.body.toString('latin1').match(pattern)?.length ?? 0
}

function expect (what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} ${what}, expected ${wanted}`)
}
