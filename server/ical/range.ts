import type { Range } from './overlap.js'

/** Stretches of time as one set: none touches another, ascending (UTC seconds). */
export function merged (ranges: readonly Range[]): Range[] {
  const sorted = ranges.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start)
  const all: { start: number, end: number }[] = []
  for (const { start, end } of sorted) {
    const last = all[all.length - 1]
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else all.push({ start, end })
  }
  return all
}

/** What is in the first set and not in the second; both as `merged` gives them. */
export function without (from: readonly Range[], taken: readonly Range[]): Range[] {
  const left: Range[] = []
  let at = 0
  for (const range of from) {
    let { start } = range
    while (at < taken.length && taken[at]!.end <= start) at++
    for (let next = at; next < taken.length && taken[next]!.start < range.end; next++) {
      if (taken[next]!.start > start) left.push({ start, end: taken[next]!.start })
      start = taken[next]!.end
    }
    if (start < range.end) left.push({ start, end: range.end })
  }
  return left
}

/** A set of stretches that grows. What comes is merged in from time to time, so that neither memory nor one addition costs much. */
export class GrowingSet {
  private readonly all: Range[] = []
  private fresh: Range[] = []

  /** @param within  what lies outside is cut off */
  constructor (private readonly within: Range) {}

  /** UTC seconds; nothing is added when it is empty. */
  add (start: number, end: number): void {
    const cut = { start: Math.max(start, this.within.start), end: Math.min(end, this.within.end) }
    if (cut.start >= cut.end) return
    this.fresh.push(cut)
    if (this.fresh.length >= together) this.settle()
  }

  /** How many stretches it has come to; a little more when some of them touch. */
  get size (): number {
    return this.all.length + this.fresh.length
  }

  /** The set as `merged` gives it. */
  ranges (): readonly Range[] {
    this.settle()
    return this.all
  }

  private settle (): void {
    if (this.fresh.length === 0) return
    const fresh = merged(this.fresh)
    this.fresh = []
    // what a series gives lies behind all that was there: only the end has to be looked at
    const tail = this.all.splice(firstReaching(this.all, fresh[0]!.start))
    for (const range of tail.length === 0 ? fresh : merged([...tail, ...fresh])) this.all.push(range)
  }
}

/** The first of a merged set that does not end before a moment. */
function firstReaching (set: readonly Range[], moment: number): number {
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (set[middle]!.end < moment) low = middle + 1
    else high = middle
  }
  return low
}

/** So many are merged in at once. */
const together = 2048
