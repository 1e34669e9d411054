import t from 'tap'
import { monsters, type Monster } from '../../../bench/monster.js'
import { extent, instances } from '../../../server/ical/instances.js'
import { parse } from '../../../server/ical/parse.js'
import { Budget } from '../../../server/ical/recur.js'
import { UTC } from '../../../server/ical/timezone.js'
import { house } from '../../house.js'

const window = { start: Date.UTC(2040, 2, 1) / 1000, end: Date.UTC(2040, 3, 1) / 1000 }
const range = 'start="20400301T000000Z" end="20400401T000000Z"'

/** Counts what it gives. */
class Meter extends Budget {
  used = 0

  override step (): boolean {
    this.used++
    return super.step()
  }

  override spend (steps: number): void {
    this.used += steps
    super.spend(steps)
  }
}

t.test('what they cost is bounded', async t => {
  t.ok(monsters.length > 50)
  for (const { name, text, march, refused } of monsters) {
    if (refused === 'valid-calendar-data' || refused === 'supported-rscale') continue
    const calendar = parse(text)
    const budget = new Meter({ instances: 10_000 })
    const found = [...instances(calendar, window, UTC, budget)].length
    if (march === 'too many') t.ok(budget.exhausted || found > 10_000, name)
    else {
      t.equal(found, march, name)
      t.notOk(budget.exhausted, `${name}: the answer is whole`)
      // an instance costs two steps or so, and one more for each EXRULE; a year of another calendar system 2,000 or less
      t.ok(budget.used < (/RSCALE|EXRULE/.test(text) ? 100_000 : 9000) + march * 8, `${name}: ${budget.used} steps`)
    }
    const ends = new Meter({ steps: 10_000 })
    extent(calendar, UTC, ends)
    t.ok(ends.used <= 10_000 + 3 * 2000, `${name}: ${ends.used} steps to its end`)
  }
})

t.test('on the server each has its answer', async t => {
  const { ask, lines } = await house(t)
  const calendar = '/calendars/users/alice/calendar/'
  const headers = { 'content-type': 'text/xml', depth: '1' }
  const report = async (root: string, inner: string): Promise<{ status: number, body: string }> =>
    await ask('REPORT', calendar, { headers, body: `<C:${root} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${inner}</C:${root}>` })
  const check = async ({ name, text, march, refused }: Monster): Promise<void> => {
    const put = await ask('PUT', `${calendar}m.ics`, { body: text, headers: { 'content-type': 'text/calendar' } })
    t.equal(put.status, refused === undefined ? 201 : 403, `${name}: PUT`)
    if (refused !== undefined) {
      t.ok(put.body.includes(`<C:${refused}/>`), `${name}: ${refused}`)
      return
    }
    const query = await report('calendar-query', `<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range ${range}/></C:comp-filter></C:comp-filter></C:filter>`)
    t.equal(query.status, 207)
    t.equal(query.body.includes('m.ics'), march !== 0, `${name}: in the month or not`)
    const expanded = await report('calendar-multiget', `<D:prop><C:calendar-data><C:expand ${range}/></C:calendar-data></D:prop><D:href>${calendar}m.ics</D:href>`)
    t.equal(expanded.status, 207)
    const number = expanded.body.match(/BEGIN:VEVENT/g)?.length ?? 0
    // thousands may be too many for a machine that has much else to do: then it says so
    if (march === 'too many' || (march > 500 && number === 0)) t.match(expanded.body, /<C:number-of-recurrences-within-limits\/>/, `${name}: expand`)
    else t.equal(number, march, `${name}: expand`)
    const busy = await report('free-busy-query', `<C:time-range ${range}/>`)
    t.ok(busy.status === 200 && /\nFREEBUSY/.test(busy.body) === (march !== 0), `${name}: free-busy ${busy.status}`)
    t.equal((await ask('DELETE', `${calendar}m.ics`)).status, 204)
  }
  for (const monster of monsters) await check(monster)
  t.same(lines, [], 'no errors in the log')
})
