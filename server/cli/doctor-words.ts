import type { Finding, Severity } from '../admin/doctor/finding.js'
import { checkOf } from '../admin/doctor/table.js'

/** What came of mending; `why` says what prevented it. */
export interface Outcome { readonly isFixed: boolean, readonly why?: string }

/** A finding for people: what it is about, what is wrong, what is done or to do. */
export function asText ({ check, path, line, message, fix, hand }: Finding, outcome: Outcome | undefined): string {
  const next = outcome === undefined ? (fix === undefined ? `to do: ${hand ?? ''}` : `--fix ${fix}`)
    : outcome.isFixed ? `mended: ${fix ?? ''}` : `not mended: ${outcome.why ?? ''}`
  return `${checkOf(check).severity.padEnd(7)}  ${path}${line === undefined ? '' : `, line ${line}`}\n         ${message} (${check})\n         ${next}\n`
}

/** A finding for programs, as one of an array that is written piece by piece. */
export function asJson ({ check, path, line, message, fix, hand }: Finding, outcome: Outcome | undefined, isFirst: boolean): string {
  const value = { check, severity: checkOf(check).severity, path, line, message, fix, hand, fixed: outcome?.isFixed, why: outcome?.why }
  return `${isFirst ? '[' : ','}\n  ${JSON.stringify(value)}`
}

/** How many there were, and how many are left. */
export class Tally {
  readonly #counts = new Map<Severity, number>()
  #left = 0
  #mended = 0
  #mendable = 0

  get isEmpty (): boolean {
    return this.#counts.size === 0
  }

  /** Nothing is wrong, or nothing is any more; notes are no fault. */
  get isClean (): boolean {
    return this.#left === 0
  }

  count ({ check, mend }: Finding, outcome: Outcome | undefined): void {
    const { severity } = checkOf(check)
    this.#counts.set(severity, (this.#counts.get(severity) ?? 0) + 1)
    if (outcome?.isFixed === true) this.#mended++
    else if (severity !== 'note') this.#left++
    if (mend !== undefined) this.#mendable++
  }

  /** The last line, for people. */
  text (isFixing: boolean): string {
    if (this.isEmpty) return 'Nothing is wrong\n'
    const counts = (['error', 'warning', 'note'] as const).flatMap(severity => {
      const count = this.#counts.get(severity)
      return count === undefined ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`]
    })
    const tail = isFixing ? `${this.#mended} mended` : this.#mendable > 0 ? `--fix mends ${this.#mendable}` : '--fix mends none of them'
    return `\n${counts.join(', ')}; ${tail}\n`
  }
}
