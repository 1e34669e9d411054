/** The collations of CALDAV:text-match (RFC 4791 7.5, RFC 4790 9, RFC 5051), as CALDAV:supported-collation-set lists them. */
export const collations = ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap'] as const
export type Collation = typeof collations[number]

/** Where the text has to stand in the value (draft-daboo-caldav-extensions 3.3); RFC 4791 knows only `contains`. */
export type MatchType = 'contains' | 'equals' | 'starts-with' | 'ends-with'

/** Whether `value` contains (equals …) `text` in that collation. */
export function matchText (value: string, text: string, collation: Collation, matchType: MatchType): boolean {
  const where = remembered(value, collation)
  const what = mapped(text, collation)
  switch (matchType) {
    case 'contains': return where.includes(what)
    case 'equals': return where === what
    case 'starts-with': return where.startsWith(what)
    case 'ends-with': return where.endsWith(what)
  }
}

let last = { text: '', collation: 'i;octet' as Collation, mapped: '' }

// a long text is asked for again and again by the filters of one query
function remembered (text: string, collation: Collation): string {
  if (text.length < 1000) return mapped(text, collation)
  if (last.text !== text || last.collation !== collation) last = { text, collation, mapped: mapped(text, collation) }
  return last.mapped
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
