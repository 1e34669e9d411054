import type { Property } from './component.js'
import { asItIs, isText, jcalTypes } from './jcal-value.js'

/** How the value of a property is built; what is not here has no type without VALUE (RFC 7265 5.1). */
interface Rule {
  readonly type: string
  readonly list?: true
  readonly structured?: true
}

const text: Rule = { type: 'text' }
const texts: Rule = { type: 'text', list: true }
const moment: Rule = { type: 'date-time' }
const moments: Rule = { type: 'date-time', list: true }
const integer: Rule = { type: 'integer' }
const uri: Rule = { type: 'uri' }
const address: Rule = { type: 'cal-address' }
const offset: Rule = { type: 'utc-offset' }
const recur: Rule = { type: 'recur' }
const duration: Rule = { type: 'duration' }

/** Default types: RFC 5545 3.7 and 3.8 (EXRULE: RFC 2445 4.8.5.2). */
const rules = new Map<string, Rule>(Object.entries({
  CALSCALE: text, METHOD: text, PRODID: text, VERSION: text,
  ATTACH: uri, CATEGORIES: texts, CLASS: text, COMMENT: text, DESCRIPTION: text, GEO: { type: 'float', structured: true }, LOCATION: text,
  'PERCENT-COMPLETE': integer, PRIORITY: integer, RESOURCES: texts, STATUS: text, SUMMARY: text,
  COMPLETED: moment, DTEND: moment, DUE: moment, DTSTART: moment, DURATION: duration, FREEBUSY: { type: 'period', list: true }, TRANSP: text,
  TZID: text, TZNAME: text, TZOFFSETFROM: offset, TZOFFSETTO: offset, TZURL: uri,
  ATTENDEE: address, CONTACT: text, ORGANIZER: address, 'RECURRENCE-ID': moment, 'RELATED-TO': text, URL: uri, UID: text,
  EXDATE: moments, RDATE: moments, RRULE: recur, EXRULE: recur,
  ACTION: text, REPEAT: integer, TRIGGER: duration,
  CREATED: moment, DTSTAMP: moment, 'LAST-MODIFIED': moment, SEQUENCE: integer,
  'REQUEST-STATUS': { type: 'text', structured: true }
} satisfies Record<string, Rule>))

/** Types that tell themselves apart by their form: the form decides, as clients leave VALUE out. */
const alternatives = new Map<string, readonly string[]>(Object.entries({
  'date-time': ['date-time', 'date', 'period'],
  'date': ['date', 'date-time', 'period'],
  'period': ['period', 'date-time', 'date'],
  'duration': ['duration', 'date-time']
}))

/** RFC 7265 3.4: `[name, parameters, type, ...values]`. A value that is not of its type goes as `unknown`: it is kept as it is. */
export function propertyToJcal (property: Property): unknown[] {
  const { name, value } = property
  const rule = rules.get(name)
  const word = property.parameters['VALUE']?.[0]?.toLowerCase()
  const encoding = property.parameters['ENCODING']?.[0]?.toUpperCase() === 'BASE64'
  // RFC 5545 3.8.1.1: what is attached in base64 is binary, also when VALUE=BINARY was forgotten
  const type = word ?? (encoding && rule === uri ? 'binary' : rule?.type ?? 'unknown')
  // RFC 7265 3.1: only binary values stay in base64
  const plain = encoding && type !== 'binary' ? decoded(value) : undefined
  if (plain !== undefined) return [name.toLowerCase(), parametersToJcal(property, 'ENCODING'), 'text', plain]
  for (const candidate of alternatives.get(type) ?? [type]) {
    const values = valuesToJson(value, candidate, rule)
    if (values !== undefined) return [name.toLowerCase(), parametersToJcal(property), candidate, ...values]
  }
  return [name.toLowerCase(), parametersToJcal(property), 'unknown', value]
}

function valuesToJson (value: string, type: string, rule: Rule | undefined): unknown[] | undefined {
  const { toJson } = jcalTypes.get(type) ?? asItIs
  const all = (parts: readonly string[]): unknown[] | undefined => {
    const json = parts.map(toJson)
    return json.includes(undefined) ? undefined : json
  }
  if (rule?.structured) {
    const parts = all(split(value, SEMICOLON))
    return parts === undefined ? undefined : [parts]
  }
  if (rule?.list) return all(split(value, COMMA))
  // of a property that is not known several values may be meant
  return all([value]) ?? (rule === undefined ? all(value.split(',')) : undefined)
}

/** RFC 7265 3.5 */
function parametersToJcal ({ parameters }: Property, without?: string): Record<string, string | readonly string[]> {
  const json: Record<string, string | readonly string[]> = {}
  for (const name in parameters) {
    const [only = '', ...more] = parameters[name] ?? []
    if (name !== 'VALUE' && name !== without) json[name.toLowerCase()] = more.length === 0 ? only : [only, ...more]
  }
  return json
}

/** A complaint about one property: what was expected. */
export type Complain = (expected: string) => Error

/** RFC 7265 3.4, 4. @throws what `complain` makes */
export function propertyFromJcal (json: unknown, complain: Complain): Property {
  if (!Array.isArray(json)) throw complain('expected a property as an array')
  const [key, parameters, kind, ...values] = json as unknown[]
  if (!isName(key) || /^(?:begin|end)$/i.test(key)) throw complain('expected the name of a property (letters, digits, "-")')
  const name = key.toUpperCase()
  if (!isName(kind)) throw complain(`expected a type identifier in ${name}`)
  const type = kind.toLowerCase()
  if (values.length === 0) throw complain(`expected a value in ${name}`)
  const own = parametersFromJcal(parameters, reason => complain(`${reason} in ${name}`))
  for (const candidate of alternatives.get(type) ?? [type]) {
    const parts = values.map(value => valueFromJson(value, candidate))
    if (parts.includes(undefined)) continue
    const rule = rules.get(name)
    if (candidate !== 'unknown' && candidate !== rule?.type) own['VALUE'] = [candidate.toUpperCase()]
    // RFC 5545 3.2.7, 3.3.1
    if (candidate === 'binary') own['ENCODING'] = ['BASE64']
    return { name, parameters: own, value: parts.join(','), line: 0 }
  }
  throw complain(`expected ${name} to hold ${type}`)
}

function valueFromJson (json: unknown, type: string): string | undefined {
  const { fromJson } = jcalTypes.get(type) ?? asItIs
  if (!Array.isArray(json) || type === 'period') return fromJson(json)
  // 3.4.1: GEO and REQUEST-STATUS
  const parts = json.map(fromJson)
  return parts.length === 0 || parts.includes(undefined) ? undefined : parts.join(';')
}

/** Values of all parameters of one property, as in `parse.ts`. */
const mostParameters = 10_000

function parametersFromJcal (json: unknown, complain: Complain): Record<string, readonly string[]> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw complain('expected an object of parameters')
  const parameters = Object.create(null) as Record<string, readonly string[]>
  let count = 0
  for (const [key, content] of Object.entries(json)) {
    const values: unknown[] = Array.isArray(content) ? content : [content]
    count += values.length
    if (count > mostParameters) throw complain(`expected at most ${mostParameters} parameter values`)
    if (!isName(key)) throw complain('expected the name of a parameter (letters, digits, "-")')
    const name = key.toUpperCase()
    if (name in parameters) throw complain(`expected the parameter ${name} once`)
    if (values.length === 0 || !values.every(isText)) throw complain(`expected the parameter ${name} as a string or an array of strings`)
    // 3.5.1: the type identifier says it
    if (name !== 'VALUE') parameters[name] = values
  }
  return parameters
}

const names = /^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$/

/** Whether it can be the name of a component, property, parameter or type. */
export function isName (json: unknown): json is string {
  return typeof json === 'string' && names.test(json)
}

const COMMA = 44
const SEMICOLON = 59
const BACKSLASH = 92

/** Where the separator is not escaped. */
function split (value: string, separator: number): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === separator) {
      parts.push(value.slice(start, at))
      start = at + 1
    }
  }
  parts.push(value.slice(start))
  return parts
}

/** Text in base64; undefined when it is none. */
function decoded (value: string): string | undefined {
  try {
    const content = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'))
    return isText(content) ? content : undefined
  } catch {
    return undefined
  }
}
