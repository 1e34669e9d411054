import { DAY } from '../civil.js'

/** A month of a calendar system. */
export interface ScaleMonth {
  /** Twice the number that RFC 7529 4.2 gives it, one more for a leap month: ascending in every year. */
  readonly id: number
  /** Days since 1970 of its first day. */
  readonly first: number
  readonly length: number
}

/** A year of a calendar system. */
export interface ScaleYear {
  readonly number: number
  /** Days since 1970 of its first day. */
  readonly first: number
  readonly length: number
  readonly months: readonly ScaleMonth[]
}

/** What a kind of calendar systems has in common: mean lengths in days, and which months can be. */
interface Shape {
  readonly year: number
  /** Regular months in a year. */
  readonly months: number
  /** All but the last have 30 days. */
  readonly thirty?: boolean
  /** The months after which a leap month may come, and the mean length of a month. */
  readonly leap?: { readonly after: readonly number[], readonly month: number }
  /** What it costs to ask Intl for a year, in steps of a budget: 2,000 are half a millisecond. */
  readonly price: number
}

const alexandrian: Shape = { year: 365.25, months: 13, thirty: true, price: 300 }
const solar: Shape = { year: 365.2423, months: 12, price: 300 }
const lunar: Shape = { year: 354.36707, months: 12, price: 300 }
const east: Shape = { year: 365.2422, months: 12, leap: { after: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], month: 29.530588853 }, price: 2000 }

/** By the name in CLDR; RFC 7529 5. Those that differ from the Gregorian calendar only in how they count years have no shape. */
const shapes: Readonly<Record<string, Shape | undefined>> = {
  gregory: undefined,
  chinese: east,
  dangi: east,
  hebrew: { year: 365.246822, months: 12, leap: { after: [5], month: 29.530594 }, price: 400 },
  ethiopic: alexandrian,
  ethioaa: alexandrian,
  coptic: alexandrian,
  indian: solar,
  persian: solar,
  islamic: lunar,
  'islamic-civil': lunar,
  'islamic-tbla': lunar,
  'islamic-umalqura': lunar,
  'islamic-rgsa': lunar,
  buddhist: undefined,
  japanese: undefined,
  roc: undefined,
  iso8601: undefined
}

/** Other names for them in CLDR. */
const aliases: Readonly<Record<string, string>> = { gregorian: 'gregory', 'ethiopic-amete-alem': 'ethioaa', islamicc: 'islamic-civil' }

const available = new Set(Intl.supportedValuesOf('calendar'))
const scales = new Map<string, Scale>()

/** The values of RSCALE that `scaleNamed` knows, as RFC 7529 writes them; aliases are left out. */
export const scaleNames: readonly string[] = Object.keys(shapes).filter(name => available.has(name)).map(name => name === 'gregory' ? 'GREGORIAN' : name.toUpperCase())

/** RFC 7529 5: the calendar system by its name in CLDR, in any case; `gregorian` when months and days are the Gregorian ones, undefined when it is not known. */
export function scaleNamed (name: string): Scale | 'gregorian' | undefined {
  const lower = name.toLowerCase()
  const key = Object.hasOwn(aliases, lower) ? aliases[lower]! : lower
  if (!Object.hasOwn(shapes, key) || !available.has(key)) return undefined
  const shape = shapes[key]
  if (shape === undefined) return 'gregorian'
  let found = scales.get(key)
  if (found === undefined) scales.set(key, found = new Scale(key, shape))
  return found
}

/** So many years of each calendar system are remembered, some 400 bytes each. */
const MOST_YEARS = 1024
/** A year lies at most so many days from where its mean length puts it, and no year is shorter than two of them. */
const REACH = 150

/**
 * The years and months of a calendar system as Intl knows them. Years count like those of Intl in our days (the Chinese by the Gregorian
 * year in which they begin, as RFC 7529 2 allows), and go on so before any era.
 */
export class Scale {
  /** How many years were worked out so far. */
  built = 0
  readonly price: number
  /** The longest year and the highest number of a month that rules may name. */
  readonly longestYear: number
  readonly months: number
  private readonly format: Intl.DateTimeFormat
  private readonly years = new Map<number, ScaleYear>()
  private readonly zero: { readonly first: number, readonly number: number }
  private last: ScaleYear

  constructor (name: string, private readonly shape: Shape) {
    this.format = new Intl.DateTimeFormat(`en-u-ca-${name}-nu-latn`, { timeZone: 'UTC', year: 'numeric', month: 'numeric', day: 'numeric', era: 'short' })
    this.price = shape.price
    this.months = shape.months
    this.longestYear = shape.leap === undefined ? 366 : 385
    const day = 11000
    this.zero = { first: this.newYear(day - 2 * REACH, day), number: Number(this.partsOf(day).number) }
    if (this.zero.first === day - 2 * REACH) this.zero = { ...this.zero, first: this.newYear(day - 4 * REACH, day - 2 * REACH) }
    this.last = this.year(this.zero.number)
  }

  /** Whether a leap month may follow that month. */
  hasLeap (month: number): boolean {
    return this.shape.leap?.after.includes(month) === true
  }

  /** Where a year begins, within half a year, without working it out. */
  guess (year: number): number {
    return Math.round(this.zero.first + (year - this.zero.number) * this.shape.year)
  }

  /** The year by its number. */
  year (number: number): ScaleYear {
    if (this.last?.number === number) return this.last
    let found = this.years.get(number)
    if (found === undefined) {
      if (this.years.size >= MOST_YEARS) for (const oldest of this.years.keys()) if (this.years.delete(oldest)) break
      this.years.set(number, found = this.build(number))
      this.built++
    }
    return this.last = found
  }

  /** The year in which a day since 1970 lies. */
  yearAt (day: number): ScaleYear {
    const { last } = this
    if (day >= last.first && day < last.first + last.length) return last
    const year = this.year(this.zero.number + Math.floor((day - this.zero.first) / this.shape.year))
    return day < year.first ? this.year(year.number - 1) : day < year.first + year.length ? year : this.year(year.number + 1)
  }

  /** The month in which a day of a year lies. */
  monthAt (year: ScaleYear, day: number): ScaleMonth {
    const { months } = year
    let at = Math.min(months.length, Math.floor((day - year.first) / 28) + 1)
    while (at > 1 && months[at - 1]!.first > day) at--
    return months[at - 1]!
  }

  /** Counts months on over the years. */
  ordinal (year: ScaleYear, month: ScaleMonth): number {
    if (this.shape.leap !== undefined) return Math.round((month.first - this.zero.first) / this.shape.leap.month)
    return year.number * this.shape.months + year.months.indexOf(month)
  }

  /** Where a month begins, within half a year, without working it out. */
  guessMonth (ordinal: number): number {
    return this.shape.leap === undefined ? this.guess(ordinal / this.shape.months) : this.zero.first + ordinal * this.shape.leap.month
  }

  /** The year and month by the number that `ordinal` gave them. */
  monthOf (ordinal: number): { readonly year: ScaleYear, readonly month: ScaleMonth } {
    if (this.shape.leap !== undefined) {
      const middle = Math.round(this.guessMonth(ordinal) + this.shape.leap.month / 2)
      const year = this.yearAt(middle)
      return { year, month: this.monthAt(year, middle) }
    }
    const year = this.year(Math.floor(ordinal / this.shape.months))
    return { year, month: year.months[ordinal - year.number * this.shape.months]! }
  }

  private build (number: number): ScaleYear {
    const before = this.years.get(number - 1)
    const guess = this.guess(number)
    const first = before === undefined ? this.newYear(guess - REACH, guess + REACH) : before.first + before.length
    return this.shape.thirty === true ? this.ofThirties(number, first) : this.ofMonths(number, first)
  }

  private ofThirties (number: number, first: number): ScaleYear {
    const next = this.newYear(first + 2 * REACH, first + 2 * REACH + 90)
    const months = Array.from({ length: this.shape.months }, (_, at) => {
      const start = first + at * 30
      return { id: at * 2 + 2, first: start, length: Math.min(30, next - start) }
    })
    return { number, first, length: next - first, months }
  }

  // The middle of a month tells where it begins; the middle of the next is 44 days after its first
  private ofMonths (number: number, first: number): ScaleYear {
    const starts = [first]
    const names: number[] = []
    const { year } = this.partsOf(first + 14)
    for (let at = first + 14; starts.length < 15; at = starts.at(-1)! + 44) {
      const found = this.partsOf(at)
      if (at !== first + 14) starts.push(at - found.day + 1)
      if (found.year !== year) break
      names.push(found.month)
    }
    const months = names.map((name, at) => ({ id: this.idOf(names, name, at), first: starts[at]!, length: starts[at + 1]! - starts[at]! }))
    return { number, first, length: starts.at(-1)! - first, months }
  }

  private idOf (names: readonly number[], name: number, at: number): number {
    const { leap, months } = this.shape
    if (leap === undefined) return at * 2 + 2
    const [after, ...others] = leap.after
    // Intl may give the months of the Hebrew calendar names, or count the leap month
    if (after !== undefined && others.length === 0) return names.length === months || at < after ? at * 2 + 2 : at === after ? at * 2 + 1 : at * 2
    // and gives a leap month the number of the one before it
    return name * 2 + (names[at - 1] === name ? 1 : 0)
  }

  // The first day of the one year that begins after `low` and not after `high`; `low` when there is none
  private newYear (low: number, high: number): number {
    const { year } = this.partsOf(high)
    if (this.partsOf(low).year === year) return low
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.partsOf(middle).year === year) high = middle
      else low = middle
    }
    return high
  }

  private partsOf (day: number): { readonly year: string, readonly number: string, readonly month: number, readonly day: number } {
    let [year, number, month, date] = ['', '', '', '']
    for (const { type, value } of this.format.formatToParts(day * DAY * 1000)) {
      if (type === 'day') date = value
      else if (type === 'month') month = value
      else if (type === 'era') year += value
      else if (type !== 'literal') year += number = value
    }
    return { year, number, month: Number(/\d+/.exec(month)?.[0] ?? NaN), day: Number(date) }
  }
}
