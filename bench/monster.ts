/** A calendar object made to cost much. March 2040 is the month that is asked about. */
export interface Monster {
  readonly name: string
  readonly text: string
  /** The precondition with which PUT refuses it. */
  readonly refused?: string
  /** How many instances touch March 2040; 'too many' when the answer is a precondition. */
  readonly march: number | 'too many'
}

const start = 'DTSTART:20250106T091500Z'
const second = 'DURATION:PT1S'
const numbers = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, n) => from + n).join()
const signed = (to: number): string => `${numbers(1, to)},${numbers(-to, -1)}`
const allHours = `BYHOUR=${numbers(0, 23)}`
const allTimes = `${allHours};BYMINUTE=${numbers(0, 59)};BYSECOND=${numbers(0, 59)}`
const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']
const stamp = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
const day = 86400
const first = Date.UTC(2025, 0, 6, 9, 15) / 1000
const march = Date.UTC(2040, 2, 1) / 1000
const series = (count: number, from: number, step: number): string => Array.from({ length: count }, (_, n) => stamp(from + n * step)).join()

function monster (name: string, lines: readonly string[], march: Monster['march'], refused?: string, more: ReadonlyArray<readonly string[]> = []): Monster {
  const component = (lines: readonly string[]): string[] => ['BEGIN:VEVENT', 'UID:monster', 'DTSTAMP:20250101T000000Z', ...lines, 'SUMMARY:M', 'END:VEVENT']
  const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//bench//EN', ...component(lines), ...more.flatMap(component), 'END:VCALENDAR', ''].map(fold).join('\r\n')
  return { name, text, march, ...(refused === undefined ? {} : { refused }) }
}

function fold (line: string): string {
  return line.replace(/.{70}(?=.)/g, '$&\r\n ')
}

const rule = (rule: string, march: Monster['march'], refused?: string): Monster => monster(rule.slice(0, 70), [start, second, `RRULE:${rule}`], march, refused)
const from = (dtstart: string, rule: string, march: Monster['march'], refused?: string): Monster =>
  monster(`${dtstart} ${rule}`.slice(0, 70), [`DTSTART${dtstart.length === 8 ? ';VALUE=DATE' : ''}:${dtstart}`, ...dtstart.length === 8 ? [] : [second], `RRULE:${rule}`], march, refused)

/** Rules without end, rules that never come true, lists that are full, and what they can be combined with. */
export const monsters: readonly Monster[] = [
  rule('FREQ=SECONDLY', 'too many'),
  rule('FREQ=MINUTELY', 'too many'),
  rule('FREQ=HOURLY', 744),
  rule('FREQ=SECONDLY;COUNT=1000000000', 'too many', 'max-instances'),
  rule('FREQ=DAILY;COUNT=1000000000', 31, 'max-instances'),
  rule('FREQ=DAILY;COUNT=10000', 31),
  rule('FREQ=MONTHLY;COUNT=9999', 1),
  rule('FREQ=DAILY;INTERVAL=7;BYDAY=TU', 0),
  rule('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 0),
  rule('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9', 0),
  rule('FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9', 0),
  rule('FREQ=DAILY;INTERVAL=999999999', 0),
  rule('FREQ=YEARLY;INTERVAL=99999999999999999999', 0),
  rule('FREQ=SECONDLY;INTERVAL=999999999999', 0),
  rule('FREQ=SECONDLY;INTERVAL=7;BYMONTH=3;BYMONTHDAY=1;BYHOUR=0;BYMINUTE=0', 8),
  rule('FREQ=SECONDLY;BYSETPOS=2', 0),
  rule('FREQ=SECONDLY;INTERVAL=7200;BYMINUTE=30;COUNT=5', 0),
  rule('FREQ=MINUTELY;INTERVAL=60;BYMINUTE=1;COUNT=5', 0),
  rule('FREQ=SECONDLY;BYDAY=SU;BYHOUR=3;BYMINUTE=5;BYSECOND=7', 4),
  rule('FREQ=YEARLY;BYYEARDAY=60;BYMONTH=12;COUNT=3', 0),
  rule('FREQ=YEARLY;BYYEARDAY=-1;BYMONTHDAY=30;COUNT=3', 0),
  rule('FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=366,-366;COUNT=3', 0),
  rule('FREQ=YEARLY;BYMONTH=9;BYDAY=1MO;BYSETPOS=-9;COUNT=3', 0),
  rule('FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;COUNT=3', 0),
  rule('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=9', 0),
  rule('FREQ=HOURLY;INTERVAL=23;BYWEEKNO=53,10;BYDAY=TH', 1),
  from('20201228T000000Z', 'FREQ=YEARLY;INTERVAL=400;BYWEEKNO=53', 0),
  rule(`FREQ=MONTHLY;BYMONTHDAY=${signed(31)};${allHours}`, 744),
  rule(`FREQ=MONTHLY;BYMONTHDAY=${signed(31)};${allTimes}`, 'too many'),
  rule(`FREQ=YEARLY;${allTimes};BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1`, 0),
  rule(`FREQ=DAILY;${allTimes};BYSETPOS=-1,1,366`, 93),
  rule(`FREQ=YEARLY;BYYEARDAY=${signed(366)};${allHours};BYSETPOS=${signed(366)}`, 0),
  rule(`FREQ=YEARLY;BYYEARDAY=${signed(366)};BYMONTH=2;BYMONTHDAY=31;COUNT=2`, 0),
  rule(`FREQ=YEARLY;BYDAY=${weekdays.map(name => signed(53).split(',').map(nth => nth + name).join()).join()}`, 31),
  rule(`FREQ=YEARLY;BYWEEKNO=${signed(53)};BYDAY=${weekdays.join()};${allHours}`, 744),
  rule(`FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekdays.join()};${allTimes};BYSETPOS=1,-1`, 4),
  rule(`FREQ=DAILY;BYMONTH=${'1,'.repeat(9999)}1`, 0, 'valid-calendar-data'),
  rule('FREQ=DAILY;INTERVAL=0', 0, 'valid-calendar-data'),
  from('00010101T000000Z', 'FREQ=SECONDLY', 'too many'),
  from('00010101T000000Z', 'FREQ=DAILY', 31),
  from('00010101', 'FREQ=MONTHLY;BYDAY=-1FR', 1),
  from('99991231T235959Z', 'FREQ=SECONDLY;COUNT=1000000000', 0),
  from('99991231', 'FREQ=DAILY', 0),
  rule('FREQ=DAILY;UNTIL=19700101T000000Z', 0),
  rule('FREQ=SECONDLY;UNTIL=99991231T235959Z', 'too many', 'max-instances'),
  monster('EXRULE takes all days', [start, second, 'RRULE:FREQ=DAILY', 'EXRULE:FREQ=DAILY'], 0),
  monster('EXRULE takes all hours', [start, second, 'RRULE:FREQ=HOURLY', 'EXRULE:FREQ=SECONDLY;BYMINUTE=15;BYSECOND=0'], 0),
  monster('EXRULE takes all seconds', [start, second, 'RRULE:FREQ=SECONDLY', 'EXRULE:FREQ=SECONDLY'], 'too many'),
  monster('twenty rules, twenty EXRULEs', [start, second, ...Array.from({ length: 20 }, () => 'RRULE:FREQ=HOURLY'), ...Array.from({ length: 20 }, (_, n) => `EXRULE:FREQ=SECONDLY;BYHOUR=${n}`)], 4 * 31),
  monster('5,000 EXDATEs', [start, second, 'RRULE:FREQ=DAILY', `EXDATE:${series(5000, first, day)}`], 31),
  monster('9,999 RDATEs', [start, second, `RDATE:${series(9999, march, 240)}`], 9999),
  monster('40,001 RDATEs', [start, second, `RDATE:${series(40_001, march, 60)}`], 'too many', 'max-instances'),
  monster('RANGE=THISANDFUTURE 500 times', [start, second, 'RRULE:FREQ=DAILY'], 31, undefined,
    Array.from({ length: 500 }, (_, n) => [`RECURRENCE-ID;RANGE=THISANDFUTURE:${stamp(first + n * day)}`, `DTSTART:${stamp(first + n * day + n * 60)}`, second])),
  monster('1,000 overrides in one hour', [start, second, 'RRULE:FREQ=DAILY'], 1031, undefined,
    Array.from({ length: 1000 }, (_, n) => [`RECURRENCE-ID:${stamp(first + n * day)}`, `DTSTART:${stamp(march + 3600 + n)}`, second])),
  monster('days of twenty years', [start, 'DURATION:P7300D', 'RRULE:FREQ=DAILY'], 5564),
  monster('days of a million years', [start, 'DURATION:P99999999W', 'RRULE:FREQ=MONTHLY'], 183),
  rule('RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=12L;COUNT=1000000', 0),
  rule('RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=13L', 0, 'valid-calendar-data'),
  rule('RSCALE=ETHIOPIC;FREQ=YEARLY;BYMONTH=13L', 0, 'valid-calendar-data'),
  rule('RSCALE=KLINGON;FREQ=DAILY', 0, 'supported-rscale'),
  rule('RSCALE=HEBREW;FREQ=SECONDLY;BYMONTH=5L;BYMONTHDAY=31;COUNT=9', 0),
  rule('RSCALE=HEBREW;FREQ=YEARLY;INTERVAL=999999999999', 0),
  rule('RSCALE=CHINESE;FREQ=MONTHLY;INTERVAL=999999999999;SKIP=FORWARD', 0),
  rule(`RSCALE=CHINESE;FREQ=MONTHLY;BYMONTHDAY=${signed(31)};SKIP=BACKWARD`, 31),
  rule(`RSCALE=CHINESE;FREQ=YEARLY;BYYEARDAY=${signed(385)};SKIP=FORWARD;${allHours}`, 744),
  from('00010101', 'RSCALE=CHINESE;FREQ=DAILY;BYMONTHDAY=1', 1),
  from('00010101', 'RSCALE=DANGI;FREQ=YEARLY;BYMONTH=2;COUNT=9999', 'too many'),
  from('20200224', 'RSCALE=DANGI;FREQ=YEARLY;BYMONTH=2;COUNT=99', 1),
  monster('EXRULE in the Hebrew calendar', [start, second, 'RRULE:FREQ=HOURLY', 'EXRULE:RSCALE=HEBREW;FREQ=HOURLY;BYMONTHDAY=-1,1,2,3,4,5'], 600)
]
