/** Times of one operation on one server, in milliseconds. */
export class Series {
  readonly #samples: number[] = []
  readonly #warmUp: number[] = []
  /** Wall time given to it so far, with what was not measured. */
  spentMilliseconds = 0
  failure: string | undefined

  add (milliseconds: number, warmUp: boolean): void {
    (warmUp ? this.#warmUp : this.#samples).push(milliseconds)
  }

  /** The measured times in order of size; those of the warm-up when it took all the time there was. */
  sorted (): number[] {
    return [...(this.#samples.length > 0 ? this.#samples : this.#warmUp)].sort((a, b) => a - b)
  }

  /** @param part  0.5 for the median; undefined without samples */
  quantile (part: number): number | undefined {
    const sorted = this.sorted()
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  }

  /** Requests per second over the one connection. */
  rate (): number | undefined {
    const sorted = this.sorted()
    return sorted.length === 0 ? undefined : 1000 * sorted.length / sorted.reduce((sum, each) => sum + each, 0)
  }
}

/** All series of a run, made when first asked for. */
export class Results {
  readonly #series = new Map<string, Series>()

  of (operation: string, size: number, server: string): Series {
    const key = `${operation}\0${size}\0${server}`
    const found = this.#series.get(key) ?? new Series()
    this.#series.set(key, found)
    return found
  }
}
