/** What was done and seen, by words. */
export class Tally {
  readonly counts = new Map<string, number>()

  add (what: string, number = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + number)
  }

  of (what: string): number {
    return this.counts.get(what) ?? 0
  }

  /** All whose name begins so. */
  sum (beginning: string): number {
    return [...this.counts].filter(([name]) => name.startsWith(beginning)).reduce((total, [, number]) => total + number, 0)
  }

  join (other: Tally): void {
    for (const [name, number] of other.counts) this.add(name, number)
  }
}
