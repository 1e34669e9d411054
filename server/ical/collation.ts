/** The collations of CALDAV:text-match (RFC 4791 7.5, RFC 4790 9, RFC 5051), as CALDAV:supported-collation-set lists them. */
export const collations = ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap'] as const
export type Collation = typeof collations[number]

/** Where the text has to stand in the value (draft-daboo-caldav-extensions 3.3); RFC 4791 knows only `contains`. */
export type MatchType = 'contains' | 'equals' | 'starts-with' | 'ends-with'

/** Whether a value contains (equals …) `text` in that collation; the text is mapped once. Its time grows with the value alone, whatever both hold. */
export function textMatcher (text: string, collation: Collation, matchType: MatchType): (value: string) => boolean {
  const what = mapped(text, collation)
  const test = matchType === 'contains' ? searcher(what) : tests[matchType](what)
  return value => test(remembered(value, collation))
}

type Test = (value: string) => boolean

const tests: Readonly<Record<Exclude<MatchType, 'contains'>, (what: string) => Test>> = {
  'equals': what => value => value === what,
  'starts-with': what => value => value.startsWith(what),
  'ends-with': what => value => value.endsWith(what)
}

// V8 searches for so much in linear time; for more it may compare the whole text at each place of the value
const shortText = 250

function searcher (what: string): Test {
  if (what.length <= shortText) return value => value.includes(what)
  const borders = bordersOf(what)
  return value => {
    let matched = 0
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at)
      while (matched > 0 && what.charCodeAt(matched) !== code) matched = borders[matched - 1]!
      if (what.charCodeAt(matched) === code) matched++
      if (matched === what.length) return true
    }
    return false
  }
}

/** For each beginning of the text: how long the longest part of it is that it both begins and ends with (Knuth, Morris, Pratt). */
function bordersOf (what: string): Int32Array {
  const borders = new Int32Array(what.length)
  let length = 0
  for (let at = 1; at < what.length; at++) {
    const code = what.charCodeAt(at)
    while (length > 0 && what.charCodeAt(length) !== code) length = borders[length - 1]!
    if (what.charCodeAt(length) === code) length++
    borders[at] = length
  }
  return borders
}

interface Remembered { readonly text: string, readonly mapped: string }

const last = new Map<Collation, Remembered>()

// a long text is asked for again and again by the filters of one query
function remembered (text: string, collation: Collation): string {
  if (text.length < 1000) return mapped(text, collation)
  const before = last.get(collation)
  if (before?.text === text) return before.mapped
  const now = { text, mapped: mapped(text, collation) }
  last.set(collation, now)
  return now.mapped
}

function mapped (text: string, collation: Collation): string {
  if (collation === 'i;octet') return text
  if (isAscii(text)) return text.toUpperCase()
  return collation === 'i;ascii-casemap' ? text.replace(/[a-z]+/g, letters => letters.toUpperCase()) : unicodeCasemap(text)
}

function isAscii (text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}

/** RFC 5051 2: letters by simple case mapping (ß stays one letter), then decomposed; decomposed before too, as ligatures hide letters. */
function unicodeCasemap (text: string): string {
  return text.normalize('NFKD').replace(/\p{L}/gu, letter => {
    const upper = letter.toUpperCase()
    return upper.length === letter.length ? upper : letter
  }).normalize('NFKD')
}
