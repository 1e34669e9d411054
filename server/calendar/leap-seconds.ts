/** RFC 7808 6.4 */
export interface LeapSeconds {
  /** Last day of which the data speak: `2026-06-28`. */
  readonly expires: string
  readonly publisher: string
  readonly version: string
  readonly leapseconds: ReadonlyArray<{ readonly 'utc-offset': number, readonly onset: string }>
}

// NTP counts seconds from 1900
const EPOCH = 2_208_988_800

/**
 * The leap seconds in a `leap-seconds.list`, as the IERS publishes it: lines of NTP seconds and what TAI is ahead from then on.
 * @returns undefined when the text is not such a list
 */
export function leapSeconds (text: string | undefined): LeapSeconds | undefined {
  const expires = /^#@\s*(\d{9,11})/m.exec(text ?? '')?.[1]
  const leapseconds = [...(text ?? '').matchAll(/^(\d{9,11})\s+(\d{1,3})\b/gm)].map(([, at, offset]) => ({ 'utc-offset': Number(offset), onset: day(Number(at)) }))
  if (expires === undefined || leapseconds.length === 0) return undefined
  const updated = /^#\$\s*(\d{9,11})/m.exec(text ?? '')?.[1]
  return { expires: day(Number(expires)), publisher: 'IERS', version: updated === undefined ? day(Number(expires)) : day(Number(updated)), leapseconds }
}

function day (ntp: number): string {
  return new Date((ntp - EPOCH) * 1000).toISOString().slice(0, 10)
}
