import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { clock, type Clock } from '../admin/files/clock.js'
import type { Option } from './arguments.js'
import type { Io } from './user.js'

/** Writes results, as fast as whoever reads them. */
export async function print ({ stdout }: Pick<Io, 'stdout'>, text: string | Uint8Array): Promise<void> {
  if (!stdout.write(shownOn(stdout, text))) await once(stdout, 'drain')
}

// names of files and words of events come from anybody: none of them may steer a terminal. Our own colours may.
function shownOn<T extends string | Uint8Array> (stream: Writable, text: T): T | string {
  if (!isTerminal(stream)) return text
  const letters = typeof text === 'string' ? text : Buffer.from(text).toString('utf8')
  return letters.replace(/(\x1b\[(?:[012]|3[126]|48;2;\d+;\d+;\d+)m|\r\n)|[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (_, ours: string | undefined) => ours ?? '?')
}

/** Prints a value as JSON with keys that stay. */
export async function printJson (io: Io, value: unknown): Promise<void> {
  await print(io, JSON.stringify(value, undefined, 2) + '\n')
}

/** Says something about the work, on stderr: one line that begins with the name of the program. */
export function say ({ stderr }: Pick<Io, 'stderr'>, text: string): void {
  stderr.write(shownOn(stderr, `caldavd: ${text}\n`))
}

/** Whether a stream is a terminal. */
export function isTerminal (stream: Writable | Io['stdin']): boolean {
  return (stream as { isTTY?: boolean }).isTTY === true
}

/** How a text is set off on a terminal; nowhere else (https://no-color.org). */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  /** Two places in a colour '#RRGGBB'; its name where there are no colours. */
  readonly swatch: (colour: string) => string
}

/** The style for results. */
export function styleFor ({ stdout, environment }: Io): Style {
  const isOn = isTerminal(stdout) && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
  const set = (code: string) => (text: string): string => isOn && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text
  return {
    bold: set('1'), dim: set('2'),
    swatch: colour => {
      const [red, green, blue] = partsOf(colour)
      return isOn ? set(`48;2;${red};${green};${blue}`)('  ') : colourName(colour)
    }
  }
}

function partsOf (colour: string): readonly [number, number, number] {
  const [, red = '0', green = '0', blue = '0'] = /^#?([\da-f]{2})([\da-f]{2})([\da-f]{2})/i.exec(colour) ?? []
  return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)]
}

/** Where on the circle of colours (degrees) each name begins. */
const hues: readonly (readonly [number, string])[] = [[0, 'red'], [15, 'orange'], [45, 'yellow'], [70, 'green'], [160, 'teal'], [185, 'blue'], [255, 'purple'], [290, 'pink'], [345, 'red']]

/** The word for a colour '#RRGGBB': 'blue', 'grey'. */
export function colourName (colour: string): string {
  const [red, green, blue] = partsOf(colour)
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)]
  if (most < 40) return 'black'
  if (most - least < 30) return least > 225 ? 'white' : 'grey'
  const step = most === red ? (green - blue) / (most - least) : most === green ? 2 + (blue - red) / (most - least) : 4 + (red - green) / (most - least)
  const hue = (step * 60 + 360) % 360
  const name = hues.findLast(([from]) => hue >= from)?.[1] ?? 'red'
  return name === 'orange' && most < 170 ? 'brown' : name
}

/** The option that says from where the calendar is looked at. */
export const zoneOption = { tz: { kind: 'text', value: 'ZONE', meaning: 'show times in this time zone, such as Europe/Berlin (that of the machine)' } } as const satisfies Record<string, Option>

/** The clock of who types. @throws AdminError for a zone that nobody knows */
export function clockOf (io: Io, tz: string | undefined): Clock {
  return clock(tz, io.environment['TZ'], io.now?.() ?? Date.now())
}
