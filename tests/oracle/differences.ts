import { isUsual, read, secondsOf } from './reader.js'
import { changingDays, type Ask } from './rules.js'

/** A kind of rule that an oracle reads against RFC 5545. */
export interface Difference {
  /** What it does. */
  readonly what: string
  /** Where RFC 5545 decides, and what it says. */
  readonly decides: string
  readonly oracles: ReadonlyArray<'dateutil' | 'libical'>
  /** Whether the rule is of that kind. */
  readonly concerns: (rule: Rule, ask: Ask) => boolean
}

/** The parts of a rule as written. */
export interface Rule {
  readonly frequency: string
  readonly has: (...names: readonly string[]) => boolean
  readonly list: (name: string) => readonly string[]
}

/** A rule's parts, for the table. */
export function partsOf (rule: string): Rule {
  const parts = new Map(rule.split(';').map(part => part.split('=') as [string, string]))
  const list = (name: string): readonly string[] => parts.get(name)?.split(',') ?? []
  return { frequency: parts.get('FREQ')!, has: (...names) => names.some(name => parts.has(name)), list }
}

const isShort = ({ frequency }: Rule): boolean => frequency === 'SECONDLY' || frequency === 'MINUTELY' || frequency === 'HOURLY'
const isNegative = (one: string): boolean => one.startsWith('-')

/** Each is met by some rule of the test, and no oracle differs in another way. */
export const differences: readonly Difference[] = [
  {
    what: 'BYDAY with numbered and plain weekdays: only those that are both',
    decides: '3.3.10: BYDAY is a list of days, each with its own number or without; a day fits when one of them names it',
    oracles: ['dateutil'],
    concerns: rule => rule.list('BYDAY').some(day => /\d/.test(day)) && rule.list('BYDAY').some(day => !/\d/.test(day))
  },
  {
    what: 'BYWEEKNO without BYDAY: every day of the week (dateutil); another day, no day, or a crash (libical)',
    decides: '3.3.10: what the rule does not say comes from DTSTART, here its weekday',
    oracles: ['dateutil', 'libical'],
    concerns: rule => rule.has('BYWEEKNO') && !rule.has('BYDAY', 'BYMONTHDAY', 'BYYEARDAY')
  },
  {
    what: 'days of a numbered week beyond New Year are counted to the calendar year that they lie in, or forgotten',
    decides: '3.3.10: BYWEEKNO expands a year to weeks numbered as in ISO 8601, and week one of a year can begin before it; the set that INTERVAL and BYSETPOS choose from has the weeks of that year, whole',
    oracles: ['dateutil', 'libical'],
    concerns: rule => rule.list('BYWEEKNO').some(week => [1, 52, 53].includes(Math.abs(Number(week))))
  },
  {
    what: 'the first week of BYSETPOS begins at DTSTART',
    decides: '3.3.10: a set of BYSETPOS begins where the interval of FREQ begins, which is WKST',
    oracles: ['dateutil'],
    concerns: rule => rule.frequency === 'WEEKLY' && rule.has('BYSETPOS')
  },
  {
    what: 'BYSETPOS is not looked at, or counts days where there are several times a day',
    decides: '3.3.10: BYSETPOS comes after BYSECOND and counts instances, with every FREQ',
    oracles: ['libical'],
    concerns: rule => rule.has('BYSETPOS') && (!['MONTHLY', 'YEARLY'].includes(rule.frequency) || rule.has('BYHOUR', 'BYMINUTE', 'BYSECOND'))
  },
  {
    what: 'BYMONTHDAY in a year without BYMONTH: only in the month of DTSTART',
    decides: '3.3.10, table: BYMONTHDAY expands a YEARLY rule, to that day of every month',
    oracles: ['libical'],
    concerns: rule => rule.frequency === 'YEARLY' && rule.has('BYMONTHDAY') && !rule.has('BYMONTH')
  },
  {
    what: 'BYMONTHDAY and BYYEARDAY from the end do not limit',
    decides: '3.3.10: -1 is the last day; the table has them limit within the day too',
    oracles: ['libical'],
    concerns: rule => (isShort(rule) || rule.frequency === 'DAILY') && [...rule.list('BYMONTHDAY'), ...rule.list('BYYEARDAY')].some(isNegative)
  },
  {
    what: 'BYWEEKNO from the end is counted from the wrong end in some years',
    decides: '3.3.10: -1 is the last week that the year numbers, be it 52 or 53',
    oracles: ['libical'],
    concerns: rule => rule.list('BYWEEKNO').some(isNegative)
  },
  {
    what: 'what limits within the day is where the next instance is looked for, whatever INTERVAL and the smaller units say',
    decides: '3.3.10, table: BYHOUR, BYMINUTE and BYSECOND limit where FREQ is as small: they take away from what FREQ and INTERVAL give, and add nothing',
    oracles: ['libical'],
    concerns: rule => (isShort(rule) && rule.has('BYHOUR')) || (['SECONDLY', 'MINUTELY'].includes(rule.frequency) && rule.has('BYMINUTE')) || (rule.frequency === 'SECONDLY' && rule.has('BYSECOND'))
  },
  {
    what: 'weeks are not counted through the months that BYMONTH leaves out',
    decides: '3.3.10: INTERVAL comes first, BYMONTH then limits',
    oracles: ['libical'],
    concerns: rule => rule.frequency === 'WEEKLY' && rule.has('BYMONTH') && rule.has('INTERVAL')
  },
  {
    what: 'weeks are counted from another week when DTSTART is on a weekday that BYDAY does not name',
    decides: '3.3.10: INTERVAL counts weeks from the one in which DTSTART lies, as WKST cuts them',
    oracles: ['libical'],
    concerns: (rule, { start }) => rule.frequency === 'WEEKLY' && rule.has('INTERVAL') && rule.has('BYDAY') && !rule.list('BYDAY').includes(weekdayOf(start))
  },
  {
    what: 'BYSETPOS counts days from both ends of the month in the order in which they are written',
    decides: '3.3.10: BYSETPOS counts instances, which follow each other in time',
    oracles: ['libical'],
    concerns: rule => rule.has('BYSETPOS') && rule.list('BYMONTHDAY').some(isNegative)
  },
  {
    what: 'weeks that lie in two months lose days that BYMONTH allows',
    decides: '3.3.10: BYMONTH and BYWEEKNO each leave what fits them',
    oracles: ['libical'],
    concerns: rule => rule.has('BYWEEKNO') && rule.has('BYMONTH')
  }
]

/** The same of rules in a zone, where the clock changes. */
export const zonedDifferences: readonly Difference[] = [
  {
    what: 'of a time that comes twice the second is taken; one that is jumped over moves itself and later ones by an hour, also on days without a change',
    decides: '3.3.5, to which 3.3.10 sends: the first of two, and the offset before the jump, for that instance alone',
    oracles: ['libical'],
    concerns: (_, { start, rule, zone }) => {
      const times = new Set(read(rule.replace(/;UNTIL=[^;]*/, ''), start, 60, secondsOf('20300101')).found.map(at => secondsOf(at) % 86_400))
      return [...times].some(time => changingDays(zone).some(day => !isUsual(zone, day + time) || !isUsual(zone, day + time - 1)))
    }
  }
]

function weekdayOf (start: string): string {
  return ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][new Date(secondsOf(start) * 1000).getUTCDay()]!
}
