/** Random choices that a seed repeats. */
export interface Random {
  /** From `low` to `high`, both included. */
  readonly whole: (low: number, high: number) => number
  readonly chance: (share: number) => boolean
  readonly pick: <Value>(from: readonly Value[]) => Value
  /** One to `most` different ones. */
  readonly some: <Value>(most: number, make: () => Value) => Value[]
}

/** mulberry32 */
export function random (seed: number): Random {
  const next = (): number => {
    seed = (seed + 0x6D2B79F5) | 0
    let at = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    at = (at + Math.imul(at ^ (at >>> 7), 61 | at)) ^ at
    return ((at ^ (at >>> 14)) >>> 0) / 4294967296
  }
  const whole: Random['whole'] = (low, high) => low + Math.floor(next() * (high - low + 1))
  return {
    whole,
    chance: share => next() < share,
    pick: from => from[whole(0, from.length - 1)]!,
    some: (most, make) => [...new Set(Array.from({ length: whole(1, most) }, make))]
  }
}
