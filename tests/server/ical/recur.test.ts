import t from 'tap'
import { Budget, occurrences, parseRule, Sequence } from '../../../server/ical/recur.js'
import { formatWhen, parseDateTime, type Zone } from '../../../server/ical/time.js'
import { zoneNamed } from '../../../server/ical/timezone.js'

const newYork = zoneNamed('America/New_York') as Zone
const rest = (from: string, ...times: string[]): string[] => times.map(time => from.slice(0, 9) + time)
const days = (month: string, ...list: number[]): string[] => list.map(day => `${month}${String(day).padStart(2, '0')}T090000`)

/** The first occurrences as text. */
function list (start: string, rule: string, most: number, from = '00010101', budget = new Budget()): string[] {
  const { local, date, utc } = parseDateTime(start)
  const found: string[] = []
  const zone = utc ? 'utc' : newYork
  for (const at of occurrences(parseRule(rule), { local, date, zone }, parseDateTime(from).local, budget)) {
    found.push(formatWhen({ date, local: at, zone: 'floating' }))
    if (found.length === most) break
  }
  return found
}

t.test('the examples of RFC 5545 3.8.5.3', async t => {
  const table: Array<[start: string, rule: string, first: string[], all?: boolean]> = [
    ['19970902T090000', 'FREQ=DAILY;COUNT=10', days('199709', 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), true],
    ['19971220T090000', 'FREQ=DAILY;UNTIL=19971224T000000Z', days('199712', 20, 21, 22, 23), true],
    ['19970902T090000', 'FREQ=DAILY;INTERVAL=10;COUNT=5', [...days('199709', 2, 12, 22), ...days('199710', 2, 12)], true],
    ['19970902T090000', 'FREQ=WEEKLY;COUNT=10', [...days('199709', 2, 9, 16, 23, 30), ...days('199710', 7, 14, 21, 28), ...days('199711', 4)], true],
    ['19970902T090000', 'FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH', [...days('199709', 2, 4, 9, 11, 16, 18, 23, 25, 30), ...days('199710', 2)], true],
    ['19970902T090000', 'FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH', [...days('199709', 2, 4, 9, 11, 16, 18, 23, 25, 30), ...days('199710', 2)], true],
    ['19970901T090000', 'FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR', [...days('199709', 1, 3, 5, 15, 17, 19, 29), ...days('199710', 1, 3, 13, 15, 17, 27, 29, 31),
      ...days('199711', 10, 12, 14, 24, 26, 28), ...days('199712', 8, 10, 12, 22)], true],
    ['19970902T090000', 'FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH', [...days('199709', 2, 4, 16, 18, 30), ...days('199710', 2, 14, 16)], true],
    ['19970905T090000', 'FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR', [...days('199709', 5), ...days('199710', 3), ...days('199711', 7), ...days('199712', 5)], true],
    ['19970907T090000', 'FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU', [...days('199709', 7, 28), ...days('199711', 2, 30), ...days('199801', 4, 25), ...days('199803', 1, 29), ...days('199805', 3, 31)], true],
    ['19970922T090000', 'FREQ=MONTHLY;COUNT=6;BYDAY=-2MO', [...days('199709', 22), ...days('199710', 20), ...days('199711', 17), ...days('199712', 22), ...days('199801', 19), ...days('199802', 16)], true],
    ['19970928T090000', 'FREQ=MONTHLY;BYMONTHDAY=-3', [...days('199709', 28), ...days('199710', 29), ...days('199711', 28), ...days('199712', 29), ...days('199801', 29), ...days('199802', 26)]],
    ['19970930T090000', 'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1', [...days('199709', 30), ...days('199710', 1, 31), ...days('199711', 1, 30), ...days('199712', 1, 31), ...days('199801', 1, 31), ...days('199802', 1)], true],
    ['19970910T090000', 'FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15', [...days('199709', 10, 11, 12, 13, 14, 15), ...days('199903', 10, 11, 12, 13)], true],
    ['19970902T090000', 'FREQ=MONTHLY;INTERVAL=2;BYDAY=TU', [...days('199709', 2, 9, 16, 23, 30), ...days('199711', 4, 11, 18, 25), ...days('199801', 6)]],
    ['19970610T090000', 'FREQ=YEARLY;COUNT=4;BYMONTH=6,7', [...days('199706', 10), ...days('199707', 10), ...days('199806', 10), ...days('199807', 10)], true],
    ['19970310T090000', 'FREQ=YEARLY;INTERVAL=2;COUNT=5;BYMONTH=1,2,3', [...days('199703', 10), ...days('199901', 10), ...days('199902', 10), ...days('199903', 10), ...days('200101', 10)], true],
    ['19970101T090000', 'FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200', [...days('199701', 1), ...days('199704', 10), ...days('199707', 19), ...days('200001', 1), ...days('200004', 9), ...days('200007', 18),
      ...days('200301', 1), ...days('200304', 10), ...days('200307', 19), ...days('200601', 1)], true],
    ['19970519T090000', 'FREQ=YEARLY;BYDAY=20MO', [...days('199705', 19), ...days('199805', 18), ...days('199905', 17)]],
    ['19970512T090000', 'FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', [...days('199705', 12), ...days('199805', 11), ...days('199905', 17)]],
    ['19970313T090000', 'FREQ=YEARLY;BYMONTH=3;BYDAY=TH', [...days('199703', 13, 20, 27), ...days('199803', 5, 12)]],
    ['19970605T090000', 'FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8', [...days('199706', 5, 12, 19, 26), ...days('199707', 3)]],
    // DTSTART does not fit this rule: it counts all the same (the example takes it away with EXDATE)
    ['19970902T090000', 'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', [...days('199709', 2), ...days('199802', 13), ...days('199803', 13), ...days('199811', 13), ...days('199908', 13), ...days('200010', 13)]],
    ['19970913T090000', 'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13', [...days('199709', 13), ...days('199710', 11), ...days('199711', 8)]],
    ['19961105T090000', 'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8', [...days('199611', 5), ...days('200011', 7), ...days('200411', 2)]],
    ['19970904T090000', 'FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', [...days('199709', 4), ...days('199710', 7), ...days('199711', 6)], true],
    ['19970929T090000', 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2', [...days('199709', 29), ...days('199710', 30), ...days('199711', 27), ...days('199712', 30), ...days('199801', 29)]],
    // Erratum: 17:00 UTC is 13:00 in New York
    ['19970902T090000', 'FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z', rest('19970902T', '090000', '120000'), true],
    ['19970902T090000', 'FREQ=MINUTELY;INTERVAL=15;COUNT=6', rest('19970902T', '090000', '091500', '093000', '094500', '100000', '101500'), true],
    ['19970902T090000', 'FREQ=MINUTELY;INTERVAL=90;COUNT=4', rest('19970902T', '090000', '103000', '120000', '133000'), true],
    ['19970902T090000', 'FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10', [...rest('19970902T', '090000', '092000', '094000', '100000', '102000', '104000'), '19970903T090000']],
    ['19970902T090000', 'FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40', [...rest('19970902T', '090000', '092000', '094000', '100000', '102000', '104000'), '19970903T090000']],
    ['19970805T090000', 'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', days('199708', 5, 10, 19, 24), true],
    ['19970805T090000', 'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', days('199708', 5, 17, 19, 31), true],
    ['20070115T090000', 'FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5', [...days('200701', 15, 30), ...days('200702', 15), ...days('200703', 15, 30)], true]
  ]
  for (const [start, rule, expected, all] of table) t.same(list(start, rule, all === true ? 99 : expected.length), expected, rule)
  t.equal(list('19980101T090000', 'FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA', 999).length, 93)
  t.equal(list('19980101T090000', 'FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1', 999).length, 93)
})

t.test('what others read wrong, and what RFC 5545 leaves open', async t => {
  const table: Record<string, [start: string, rule: string, first: string[]]> = {
    'leap days: only in leap years': ['20240229', 'FREQ=YEARLY', ['20240229', '20280229', '20320229']],
    'the day comes from DTSTART; months without it are left out': ['20250131', 'FREQ=MONTHLY', ['20250131', '20250331', '20250531']],
    'BYDAY with and without number: either': ['20250601', 'FREQ=MONTHLY;BYDAY=1SU,WE;BYMONTH=6', ['20250601', '20250604', '20250611', '20250618', '20250625', '20260603']],
    'BYWEEKNO without BYDAY: the weekday of DTSTART': ['20250514', 'FREQ=YEARLY;BYWEEKNO=20', ['20250514', '20260513', '20270519']],
    'a week belongs to the year that numbers it': ['20241230', 'FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO', ['20241230', '20270104', '20290101']],
    'week -53 is week 1 of a long year': ['20251231', 'FREQ=YEARLY;BYWEEKNO=-53', ['20251231', '20311231']],
    'week 53 by WKST': ['20201228', 'FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;WKST=MO', ['20201228', '20261228', '20321227']],
    'positions count from the start of the week, not from DTSTART': ['20261218', 'FREQ=WEEKLY;BYDAY=WE,TH,FR;BYSETPOS=1', ['20261218', '20261223', '20261230']],
    'BYSETPOS over two ends gives each once': ['20250101', 'FREQ=MONTHLY;BYMONTHDAY=1,2,3;BYSETPOS=1,-3,2,-2', ['20250101', '20250102', '20250201', '20250202']],
    'BYMONTHDAY of YEARLY: each month': ['20250115', 'FREQ=YEARLY;BYMONTHDAY=15', ['20250115', '20250215', '20250315']],
    'September has no 31st': ['20250813', 'FREQ=YEARLY;BYMONTH=8,9;BYMONTHDAY=31,13', ['20250813', '20250831', '20250913', '20260813']],
    'numbers of BYDAY within the year': ['20250107', 'FREQ=YEARLY;BYDAY=1TU,-1TU', ['20250107', '20251230', '20260106']],
    'day 366': ['20241231', 'FREQ=YEARLY;BYYEARDAY=366,-366', ['20241231', '20280101', '20281231']],
    'BYHOUR beside a DATE is ignored': ['20250101', 'FREQ=DAILY;BYHOUR=9,10', ['20250101', '20250102']],
    'HOURLY beside a DATE stays at midnight': ['20250101', 'FREQ=HOURLY;INTERVAL=12', ['20250101', '20250102']],
    'UNTIL as DATE takes that whole day': ['20250101T090000', 'FREQ=DAILY;UNTIL=20250102', ['20250101T090000', '20250102T090000']],
    'UNTIL in UTC beside a DATE': ['20250101', 'FREQ=DAILY;UNTIL=20250102T000000Z', ['20250101', '20250102']],
    'UNTIL before DTSTART leaves DTSTART': ['20250101', 'FREQ=DAILY;UNTIL=20240101', ['20250101']],
    'DTSTART counts when it does not fit': ['20250101', 'FREQ=WEEKLY;BYDAY=MO;COUNT=3', ['20250101', '20250106', '20250113']],
    'COUNT and UNTIL both bound': ['20250101', 'FREQ=DAILY;COUNT=5;UNTIL=20250103', ['20250101', '20250102', '20250103']],
    'RFC 7529: leap day forward': ['20120229', 'RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD', ['20120229', '20130301', '20140301', '20150301', '20160229']],
    'RFC 7529: leap day backward': ['20120229', 'RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD', ['20120229', '20130228', '20140228', '20150228', '20160229']],
    'RFC 7529: month ends backward': ['20140131', 'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4', ['20140131', '20140228', '20140331', '20140430']],
    'RFC 7529: the 1st and a skipped 31st are one': ['20250101', 'RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD', ['20250101', '20250131', '20250201', '20250301', '20250331', '20250401', '20250501', '20250531']],
    'RFC 7529: BYDAY limits the moved day': ['20250131', 'RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=FR;SKIP=BACKWARD', ['20250131', '20250228', '20251031']],
    'RFC 7529: OMIT': ['20250131', 'RSCALE=GREGORIAN;SKIP=OMIT;FREQ=MONTHLY', ['20250131', '20250331']]
  }
  for (const [why, [start, rule, expected]] of Object.entries(table)) {
    const bounded = /COUNT|UNTIL/.test(rule)
    t.same(list(start, rule, bounded ? 99 : expected.length), expected, why)
  }
})

t.test('skips ahead and stops', async t => {
  const steps = 50
  for (const [start, rule, from, expected] of [
    ['20100104T090000', 'FREQ=WEEKLY;BYDAY=MO,WE', '20260601', '20260601T090000'],
    ['19000101T000000', 'FREQ=SECONDLY;INTERVAL=7', '20260601T000001', '20260601T000007'],
    ['19000101T000000', 'FREQ=SECONDLY;INTERVAL=7;COUNT=2147483647', '20260601T000001', '20260601T000007'],
    ['19000101T090000', 'FREQ=DAILY;COUNT=1000000', '20260601', '20260601T090000'],
    ['19000101T090000', 'FREQ=MONTHLY;INTERVAL=5', '20260601', '20260901T090000'],
    ['19000101T090000', 'FREQ=YEARLY;INTERVAL=7', '20260601', '20330101T090000'],
    ['20240101T000000', 'FREQ=MINUTELY;BYMONTH=12;BYDAY=SA;BYHOUR=5', '20260601', '20261205T050000']
  ] as const) {
    const budget = new Budget({ steps })
    t.equal(list(start, rule, 1, from, budget)[0], expected, rule)
    t.notOk(budget.exhausted)
  }
  const { local } = parseDateTime('20250101')
  const sequence = new Sequence(parseRule('FREQ=WEEKLY;BYDAY=MO,FR,SU;INTERVAL=3;COUNT=1001'), { local, date: true })
  const all = [...occurrences(sequence.parts, { local, date: true }, -Infinity, new Budget())]
  t.equal(all.length, 1001)
  t.equal(sequence.last(new Budget({ steps: 30 })), all.at(-1), 'the last of a regular rule is worked out')
  const uneven = new Sequence(parseRule('FREQ=MONTHLY;BYDAY=MO,FR;COUNT=700'), { local, date: true })
  t.equal(uneven.last(new Budget({ steps: 100 })), Infinity, 'not reached with little')
  const last = uneven.last(new Budget())
  t.equal(last, [...occurrences(uneven.parts, { local, date: true }, 0, new Budget())].at(-1), 'goes on where it stopped')
  const month = new Budget({ steps: 20 })
  t.equal(uneven.walk(local + 40 * 86400, local + 60 * 86400, month).next(), parseDateTime('20250210').local)
})

t.test('UNTIL beside an hour that comes twice, or not at all', async t => {
  // New York: 2:30 on 9 March 2025 is 3:30 (7:30 UTC); 1:30 on 2 November is the first, 5:30 UTC
  for (const [start, until, expected] of [
    ['20250308T023000', '20250309T072959Z', ['20250308T023000']],
    ['20250308T023000', '20250309T073000Z', ['20250308T023000', '20250309T023000']],
    ['20251101T013000', '20251102T052959Z', ['20251101T013000']],
    ['20251101T013000', '20251102T053000Z', ['20251101T013000', '20251102T013000']],
    ['20251101T013000', '20251102T061000Z', ['20251101T013000', '20251102T013000']],
    ['20251101T020000', '20251102T065959Z', ['20251101T020000']]
  ] as const) t.same(list(start, `FREQ=DAILY;UNTIL=${until}`, 9), expected, `${start} ${until}`)
})

t.test('rules that can never come true are known for it', async t => {
  const { local } = parseDateTime('20250106T091500')
  const steps = (rule: string): number => {
    const budget = new Budget({ steps: 100_000 })
    const walk = new Sequence(parseRule(rule), { local, date: false }, false).walk(local, Infinity, budget)
    t.equal(walk.next(), Infinity, rule)
    t.notOk(budget.exhausted, `${rule}: the answer is sure`)
    let left = 0
    while (budget.step()) left++
    return 100_000 - left
  }
  for (const rule of ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=SECONDLY;BYMONTH=2,4;BYMONTHDAY=31', 'FREQ=DAILY;BYYEARDAY=60;BYMONTH=12', 'FREQ=DAILY;BYYEARDAY=366;BYMONTHDAY=1', 'FREQ=WEEKLY;BYMONTH=4;BYMONTHDAY=-31',
    'FREQ=DAILY;INTERVAL=7;BYDAY=TU', 'FREQ=HOURLY;INTERVAL=168;BYDAY=TU', 'FREQ=DAILY;BYSETPOS=2', 'FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=1,2;BYSETPOS=5,-5', 'FREQ=SECONDLY;INTERVAL=7200;BYMINUTE=30', 'FREQ=MINUTELY;INTERVAL=60;BYMINUTE=1',
    'FREQ=HOURLY;INTERVAL=6;BYHOUR=1', 'FREQ=DAILY;BYWEEKNO=53;BYMONTH=6', 'FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=2MO', 'FREQ=MONTHLY;INTERVAL=12;BYMONTH=2', 'FREQ=MONTHLY;BYYEARDAY=1;BYMONTH=2',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=YEARLY;BYYEARDAY=1;BYWEEKNO=10']) t.ok(steps(rule) < 2000, rule)
  for (const [rule, first] of [
    ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO', '20440229T091500'],
    ['FREQ=YEARLY;BYWEEKNO=53;BYMONTH=1;BYMONTHDAY=3;BYDAY=SU', '20270103T091500'],
    ['FREQ=MONTHLY;INTERVAL=48;BYMONTH=1;BYMONTHDAY=6;BYDAY=SA', '20290106T091500'],
    ['FREQ=SECONDLY;INTERVAL=7200;BYHOUR=1;BYMONTH=2;BYMONTHDAY=29', '20280229T011500'],
    ['FREQ=DAILY;INTERVAL=14;BYMONTH=2;BYMONTHDAY=29', '20720229T091500']
  ] as const) t.same(list('20250106T091500', rule, 2)[1], first, `rare, but possible: ${rule}`)
})

t.test('no rule hangs', async t => {
  const many = Array.from({ length: 366 }, (_, i) => `${i + 1},-${i + 1}`).join()
  const hours = Array.from({ length: 24 }, (_, i) => i).join()
  const sixty = Array.from({ length: 60 }, (_, i) => i).join()
  for (const rule of [
    'FREQ=DAILY;INTERVAL=7;BYDAY=TU', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=DAILY;INTERVAL=999999999', 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2,4,6', 'FREQ=YEARLY;BYMONTH=9;BYDAY=1MO;BYSETPOS=-9', 'FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6', 'FREQ=DAILY;BYSETPOS=2',
    'FREQ=SECONDLY;INTERVAL=7200;BYMINUTE=30', 'FREQ=MINUTELY;INTERVAL=60;BYMINUTE=1', 'FREQ=YEARLY;INTERVAL=99999999999999999999', 'FREQ=DAILY;BYSETPOS=2;COUNT=9',
    `FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=${many}`, `FREQ=YEARLY;BYYEARDAY=${many};BYMONTH=2;BYMONTHDAY=31`,
    `FREQ=YEARLY;BYHOUR=${hours};BYMINUTE=${sixty};BYSECOND=${sixty};BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1`
  ]) {
    const began = performance.now()
    const found = list('20250106T091500', rule, 3000)
    // about 30 ms; a loaded machine may take longer, a hang takes for ever
    t.ok(performance.now() - began < 1000, `${rule.slice(0, 60)}: ${found.length} in ${(performance.now() - began).toFixed(0)} ms`)
  }
  const hurry = new Budget({ milliseconds: 0 })
  list('20250106T090000', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 3, '00010101', hurry)
  t.ok(hurry.exhausted)
  const few = new Budget({ instances: 3 })
  t.equal(list('20250106T090000', 'FREQ=DAILY', 9, '00010101', few).length, 3)
  t.ok(few.exhausted)
})

t.test('what is not a rule is refused', async t => {
  for (const rule of ['', 'FREQ=', 'FREQ=FORTNIGHTLY', 'COUNT=3', 'FREQ=DAILY;INTERVAL=0', 'FREQ=DAILY;INTERVAL=-1', 'FREQ=DAILY;COUNT=0', 'FREQ=DAILY;COUNT=x', 'FREQ=DAILY;UNTIL=tomorrow',
    'FREQ=DAILY;UNTIL=20250230', 'FREQ=DAILY;BYMONTH=13', 'FREQ=DAILY;BYMONTH=0', 'FREQ=DAILY;BYMONTHDAY=0', 'FREQ=DAILY;BYMONTHDAY=32', 'FREQ=DAILY;BYHOUR=24', 'FREQ=DAILY;BYDAY=XX',
    'FREQ=MONTHLY;BYDAY=0MO', 'FREQ=MONTHLY;BYDAY=54MO', 'FREQ=DAILY;BYSETPOS=0', 'FREQ=DAILY;FREQ=DAILY', 'FREQ=DAILY;WKST=XX', 'FREQ=DAILY;NOPE=1', 'FREQ', 'FREQ=DAILY;SKIP=FORWARD',
    'RSCALE=GREGORIAN;FREQ=DAILY;SKIP=UP', 'RSCALE=GREGORIAN;FREQ=YEARLY;BYMONTH=5L', `FREQ=DAILY;BYMONTH=${'1,'.repeat(9999)}1`]) {
    t.throws(() => parseRule(rule), { name: 'ValueError' }, rule.slice(0, 60))
  }
  t.throws(() => parseRule('RSCALE=NABATEAN;FREQ=YEARLY'), { message: /^RSCALE=NABATEAN is not known, only GREGORIAN, / })
  for (const rule of ['freq=daily;byday=mo', 'FREQ=DAILY;', 'FREQ=DAILY;X-FOO=1', 'BYDAY=+1MO,-1TU;FREQ=MONTHLY', 'FREQ=WEEKLY;BYMONTHDAY=1', 'FREQ=DAILY;BYSECOND=60']) {
    t.ok(parseRule(rule), rule)
  }
})
