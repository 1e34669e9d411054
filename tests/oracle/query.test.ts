import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { house } from '../house.js'
import { told } from '../multistatus.js'
import { overlaps, randomHappening, spans, zones, type Happening, type Range } from './happenings.js'
import { random, type Random } from './random.js'
import { secondsOf, textOf } from './reader.js'

const each = Number(process.env['ORACLE_EVENTS'] ?? 420)
const ranges = Number(process.env['ORACLE_RANGES'] ?? 50)
const seed = Number(process.env['ORACLE_SEED'] ?? 1)
const home = '/calendars/users/alice'

/** Somewhere between 2017 and 2030; half of them at the edge of an instance, or of a second. */
function randomRange ({ whole, pick, chance }: Random, all: readonly Happening[], zone: string): Range {
  const some = spans(pick(all), zone)
  const edge = some.length > 0 && chance(0.6) ? pick([some[0]!, some.at(-1)!, pick(some)]) : undefined
  const free = whole(secondsOf('20170101') / 60, secondsOf('20290101') / 60) * 60
  const at = edge === undefined ? free : Math.min(pick([edge.start, edge.end]) + pick([-1, 0, 0, 1]), secondsOf('20300101'))
  if (chance(0.08)) return { start: at, end: Infinity }
  if (chance(0.08)) return { start: -Infinity, end: at }
  const length = pick([1, 1, 900, 3600, 86_400, 86_400 * 7, 86_400 * 31, 86_400 * 400])
  return chance(0.3) ? { start: at - length, end: at } : { start: at, end: at + length }
}

function query (type: string, { start, end }: Range, zone: string | undefined): string {
  const range = (Number.isFinite(start) ? ` start="${textOf(start)}Z"` : '') + (Number.isFinite(end) ? ` end="${textOf(end)}Z"` : '')
  return '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop>' +
    `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="${type}"><C:time-range${range}/></C:comp-filter></C:comp-filter></C:filter>` +
    `${zone === undefined ? '' : `<C:timezone-id>${zone}</C:timezone-id>`}</C:calendar-query>`
}

t.test(`${zones.length} × ${each} events, to-dos and journals, ${ranges} ranges each: calendar-query tells what RFC 4791 9.9 says`, { timeout: 300_000 }, async t => {
  const { ask, documents } = await house(t, { users: ['alice'] })
  const from = random(seed)
  let asked = 0
  let listed = 0
  for (const [index, zone] of zones.entries()) {
    const name = `z${index}`
    t.equal((await ask('MKCALENDAR', `${home}/${name}/`)).status, 201)
    const patch = await ask('PROPPATCH', `${home}/${name}/`, { body: `<D:propertyupdate xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop><C:calendar-timezone-id>${zone}</C:calendar-timezone-id></D:prop></D:set></D:propertyupdate>` })
    t.match(patch.body, /200 OK/, zone)
    const all = Array.from({ length: each }, (_, number) => randomHappening(from, `${name}-${number}`))
    all.forEach(({ text }, number) => { writeFileSync(join(documents, home, name, `${number}.ics`), text) })
    for (let number = 0; number < ranges; number++) {
      // another zone than the calendar's, when the query names one
      const own = from.chance(0.7)
      const used = own ? zone : from.pick(zones)
      const range = randomRange(from, all, used)
      for (const type of ['VEVENT', 'VTODO', 'VJOURNAL'] as const) {
        const answer = await ask('REPORT', `${home}/${name}/`, { body: query(type, range, own ? undefined : used), headers: { depth: '1' } })
        if (answer.status !== 207) return t.fail(`${answer.status} ${answer.body}`)
        const found = new Set([...told(answer.body).keys()].map(href => Number(/(\d+)\.ics$/.exec(href)?.[1])))
        asked++
        listed += found.size
        const wrong = all.flatMap((one, number) => one.type === type && overlaps(one, range, used) !== found.has(number) ? [{ zone: used, range: query(type, range, undefined).match(/<C:time-range[^>]*>/)?.[0], listed: found.has(number), text: one.text }] : [])
        if (wrong.length > 0) t.same(wrong.slice(0, 3), [], `${wrong.length} events are wrong`)
      }
    }
  }
  t.ok(listed > asked * 5, `${asked} queries, ${listed} answers`)
})
