import { parse, TomlError } from 'smol-toml'

/** A key or a table header of a TOML text: its whole path, and the lines (from 1) on which it stands. */
export interface Entry {
  readonly kind: 'table' | 'key'
  readonly path: readonly string[]
  readonly line: number
  /** Last line of the value; the same as `line` for a header. */
  readonly lastLine: number
}

/** TOML that was read: its value, and where things stand in the text. */
export interface Toml {
  readonly value: Readonly<Record<string, unknown>>
  readonly entries: readonly Entry[]
  /** Line (from 1) on which a key or table is first named; undefined when only something around it is. */
  lineOf (...path: string[]): number | undefined
}

/** A TOML text that cannot be read; `line` from 1. */
export class TomlFault extends Error {
  override readonly name = 'TomlFault'
  constructor (message: string, readonly line: number, options?: ErrorOptions) {
    super(message, options)
  }
}

/** @throws TomlFault when the text is no TOML */
export function readToml (text: string): Toml {
  const value = parseToml(text)
  const entries = findEntries(text)
  const lines = new Map<string, number>()
  for (const { path, line } of entries) {
    for (let length = 1; length <= path.length; length++) {
      const key = JSON.stringify(path.slice(0, length))
      if (!lines.has(key)) lines.set(key, line)
    }
  }
  return {
    value, entries,
    lineOf: (...path) => {
      // A key inside an inline table has no entry of its own: the line of the table is near enough
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(JSON.stringify(path.slice(0, length)))
        if (line !== undefined) return line
      }
      return undefined
    }
  }
}

function parseToml (text: string): Record<string, unknown> {
  try {
    return parse(text.replace(/^\uFEFF/, ''), { unsafeKeyBehaviour: 'throw', maxDepth: 20 })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [message] = error.message.replace(/^Invalid TOML document:\s*/, '').split('\n')
    throw new TomlFault(`not valid TOML: ${message}`, error.line, { cause: error })
  }
}

/** A text as a TOML string in double quotes. JSON escapes all that TOML asks for but DEL. */
export function quote (text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f')
}

/** A key as it is written in TOML: bare when it may be. */
export function quoteKey (key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quote(key)
}

/** Where headers and keys stand, in a text that is known to be valid TOML. */
function findEntries (text: string): Entry[] {
  const entries: Entry[] = []
  let table: string[] = []
  let at = text.startsWith('\uFEFF') ? 1 : 0
  let line = 1
  const step = (to: number) => {
    for (; at < to; at++) if (text[at] === '\n') line++
  }
  while (at < text.length) {
    step(skip(text, at, /[\s]*/y))
    if (at >= text.length) break
    if (text[at] === '#') {
      step(skip(text, at, /[^\n]*/y))
    } else if (text[at] === '[') {
      step(skip(text, at, /\[\[?[ \t]*/y))
      const [path, end] = readKey(text, at)
      table = path
      entries.push({ kind: 'table', path, line, lastLine: line })
      step(skip(text, end, /[ \t]*\]\]?/y))
    } else {
      const first = line
      const [path, end] = readKey(text, at)
      step(skip(text, end, /[ \t]*=[ \t]*/y))
      step(endOfValue(text, at))
      entries.push({ kind: 'key', path: [...table, ...path], line: first, lastLine: line })
    }
  }
  return entries
}

const string = /"""(?:\\[^]|[^\\])*?"""(?:"{0,2})|'''[^]*?'''(?:'{0,2})|"(?:\\.|[^"\\\n])*"|'[^'\n]*'/y

function readKey (text: string, from: number): [path: string[], end: number] {
  const path: string[] = []
  let at = from
  for (;;) {
    const end = text[at] === '"' || text[at] === "'" ? skip(text, at, string) : skip(text, at, /[^\s.=\]]*/y)
    const word = text.slice(at, end)
    path.push(word.startsWith('"') ? Object.keys(parse(`${word} = 0`))[0]! : word.startsWith("'") ? word.slice(1, -1) : word)
    const dot = skip(text, end, /[ \t]*\.[ \t]*/y)
    if (dot === end || end === at) return [path, end]
    at = dot
  }
}

/** The end of the value that begins here; a newline or # ends it unless brackets are open. */
function endOfValue (text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const letter = text[at]!
    if (letter === '"' || letter === "'") {
      at = Math.max(skip(text, at, string), at + 1)
      continue
    }
    if (letter === '[' || letter === '{') depth++
    if (letter === ']' || letter === '}') depth--
    if (letter === '#') {
      if (depth <= 0) break
      at = skip(text, at, /[^\n]*/y)
      continue
    }
    if (letter === '\n' && depth <= 0) break
    at++
  }
  return at
}

function skip (text: string, at: number, what: RegExp): number {
  what.lastIndex = at
  return what.test(text) ? what.lastIndex : at
}
