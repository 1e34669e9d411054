import type { Contender } from './contender.js'
import { event, month, series, type Sample } from './event.js'
import type { Pace } from './measure.js'
import { Seat } from './seat.js'
import type { Undo } from './undo.js'

/** Month queries of one server. */
export interface Months {
  readonly name: string
  /** Milliseconds, median of all queries. */
  readonly median: number
  readonly longest: number
  readonly queries: number
  /** Events found in January 2025. */
  readonly found: number
}

/** What a warm month query may take, in milliseconds. */
export const recurringGoal = 15

/** Month queries over 10,000 events, of which 2,000 recur without end and began in 2010: weekly, monthly, daily and yearly in turn. */
export async function recurring (contenders: readonly Contender[], pace: Pace, undo: Undo): Promise<readonly Months[]> {
  const samples: Sample[] = Array.from({ length: 10_000 }, (_, n) => n % 5 === 0 ? series(n) : event(n % 10 === 0 ? n + 1 : n))
  const all: Months[] = []
  for (const contender of contenders) {
    pace.say(`${contender.name}: filling a calendar`)
    const seat = await Seat.take(contender, samples, undo)
    const times: number[] = []
    let found = 0
    const deadline = performance.now() + pace.limitSeconds * 1000
    for (let turn = 0; turn < 400 && (turn < 4 || performance.now() < deadline); turn++) {
      const { milliseconds, responses } = await ask(seat, turn)
      // one of each month first: what is worked out once is worked out then
      if (turn >= 12 || performance.now() > deadline) times.push(milliseconds)
      if (turn === 0) found = responses
    }
    await seat.leave()
    times.sort((a, b) => a - b)
    all.push({ name: contender.name, median: times[Math.floor(times.length / 2)] ?? NaN, longest: times.at(-1) ?? NaN, queries: times.length, found })
  }
  return all
}

async function ask (seat: Seat, turn: number): Promise<{ milliseconds: number, responses: number }> {
  const { start, end } = month(turn)
  const answer = await seat.ask({
    method: 'REPORT', path: '', headers: { 'content-type': 'application/xml', 'depth': '1' },
    body: `<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter>
<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="${start}" end="${end}"/></C:comp-filter></C:comp-filter>
</C:filter></C:calendar-query>`
  }, 207)
  return { milliseconds: answer.milliseconds, responses: answer.body.toString('latin1').match(/<(?:[\w-]+:)?response[\s>]/g)?.length ?? 0 }
}

/** What `recurring` found, for people. */
export function recurringReport (months: readonly Months[]): string {
  const [ours] = months
  const lines = months.map(({ name, median, longest, queries, found }) =>
    `  ${name.padEnd(10)} ${median.toFixed(1).padStart(8)} ms  longest ${longest.toFixed(1).padStart(8)} ms  ${(median / (ours?.median ?? NaN)).toFixed(0).padStart(4)}×  ${queries} queries, ${found} events in the first month`)
  return ['A month of 10,000 events, 2,000 of them recurring without end since 2010', ...lines, ''].join('\n')
}
