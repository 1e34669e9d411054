import { escapeText } from './component.js'
import { binary, boolean, date, dateTime, duration, float, integer, isPeriod, utcOffset } from './value.js'

/** A value type of RFC 7265 3.6, both ways. `undefined` = it has not that form. */
export interface JcalType {
  toJson (value: string): unknown
  fromJson (json: unknown): string | undefined
}

/** What a content line cannot hold, half surrogate pairs included; a line break can only stand in text. */
const forbidden = /[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]/u
const forbiddenInText = /[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\ud800-\udfff]|\r(?!\n)/u

/** Whether text may stand in a content line once it is escaped. */
export function isText (json: unknown): json is string {
  return typeof json === 'string' && !forbiddenInText.test(json)
}

function isLine (json: unknown): json is string {
  return typeof json === 'string' && !forbidden.test(json)
}

/** URIs, and types that are not known: as they are (RFC 7265 3.6.3, 3.6.13, 5.2). */
export const asItIs: JcalType = { toJson: value => value, fromJson: json => isLine(json) ? json : undefined }

/** 3.6.11; a backslash that escapes nothing (`C:\temp`) stays: nothing gets lost on the way to JSON and back. */
const text: JcalType = { toJson: value => value.replace(/\\([\\;,nN])/g, (_, escaped: string) => escaped === 'n' || escaped === 'N' ? '\n' : escaped), fromJson: json => isText(json) ? escapeText(json) : undefined }

/** 3.6.4 */
const jcalDate: JcalType = {
  toJson: value => date.is(value) ? `${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6, 8)}` : undefined,
  fromJson: json => basic(json, /^\d{4}-\d\d-\d\d$/, date.is)
}

/** 3.6.5 */
const jcalDateTime: JcalType = {
  toJson: value => dateTime.is(value) ? `${String(jcalDate.toJson(value.slice(0, 8)))}T${clock(value.slice(9))}` : undefined,
  fromJson: json => basic(json, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?$/, dateTime.is)
}

const times = /^(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d|60)Z?$/

/** 3.6.12 */
const jcalTime: JcalType = {
  toJson: value => times.test(value) ? clock(value) : undefined,
  fromJson: json => basic(json, /^\d\d:\d\d:\d\dZ?$/, value => times.test(value))
}

/** 3.6.14 */
const jcalOffset: JcalType = {
  toJson: value => utcOffset.is(value) ? value[0] + clock(value.slice(1)) : undefined,
  fromJson: json => basic(json, /^[+-]\d\d:\d\d(?::\d\d)?$/, utcOffset.is, /:/g)
}

/** 3.6.9: an array of start and end; in one string they stand in the RFC's own example B.2.2. */
const jcalPeriod: JcalType = {
  toJson: value => isPeriod(value) ? value.split('/').map(part => jcalDateTime.toJson(part) ?? part) : undefined,
  fromJson: json => {
    const [start, end, ...more] = typeof json === 'string' ? json.split('/') : Array.isArray(json) ? json as unknown[] : []
    const value = `${jcalDateTime.fromJson(start)}/${jcalDateTime.fromJson(end) ?? jcalDuration.fromJson(end)}`
    return more.length === 0 && isPeriod(value) ? value : undefined
  }
}

/** 3.6.6 */
const jcalDuration: JcalType = {
  toJson: value => duration.is(value) ? value : undefined,
  fromJson: json => typeof json === 'string' && duration.is(json) ? json : undefined
}

/** 3.6.8 */
const jcalInteger: JcalType = {
  toJson: value => integer.is(value) ? Number(value) : undefined,
  fromJson: json => Number.isInteger(json) && integer.is(String(json)) ? String(json) : undefined
}

/** 3.6.7; a content line knows no exponents. */
const jcalFloat: JcalType = {
  toJson: value => float.is(value) && Number.isFinite(Number(value)) ? Number(value) : undefined,
  fromJson: json => {
    if (typeof json !== 'number' || !Number.isFinite(json) || Math.abs(json) >= 1e21) return undefined
    return String(json).includes('e') ? json.toFixed(20).replace(/\.?0+$/, '') : String(json)
  }
}

/** 3.6.1, 3.6.2, 3.6.10 and those above, by type identifier. */
export const jcalTypes: ReadonlyMap<string, JcalType> = new Map(Object.entries({
  'binary': {
    toJson: value => binary.is(value) ? value.replace(/\s+/g, '') : undefined,
    fromJson: json => typeof json === 'string' && binary.is(json) ? json.replace(/\s+/g, '') : undefined
  },
  'boolean': {
    toJson: value => boolean.is(value) ? value.toUpperCase() === 'TRUE' : undefined,
    fromJson: json => typeof json === 'boolean' ? String(json).toUpperCase() : undefined
  },
  'cal-address': asItIs,
  'date': jcalDate,
  'date-time': jcalDateTime,
  'duration': jcalDuration,
  'float': jcalFloat,
  'integer': jcalInteger,
  'period': jcalPeriod,
  'recur': { toJson: recurToJson, fromJson: recurFromJson },
  'text': text,
  'time': jcalTime,
  'unknown': asItIs,
  'uri': asItIs,
  'utc-offset': jcalOffset
} satisfies Record<string, JcalType>))

const ruleWord = /^[\w+-]+$/
const numeric: ReadonlySet<string> = new Set(['count', 'interval', 'bysecond', 'byminute', 'byhour', 'bymonthday', 'byyearday', 'byweekno', 'bymonth', 'bysetpos'])
const single: ReadonlySet<string> = new Set(['freq', 'wkst', 'until', 'count', 'interval', 'rscale', 'skip'])

/** RFC 7265 3.6.10. A part with one value stands without an array, as in its examples. RFC 7529 4.2: BYMONTH may end in L. */
function recurToJson (value: string): unknown {
  const rule: Record<string, unknown> = {}
  for (const part of value.split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = part.slice(0, equals).toLowerCase()
    if (equals < 1 || !/^[a-z][a-z\d-]*$/.test(name) || Object.hasOwn(rule, name)) return undefined
    const values = single.has(name) ? [part.slice(equals + 1)] : part.slice(equals + 1).split(',')
    const json = values.map(each => ruleValue(name, each))
    if (json.includes(undefined)) return undefined
    rule[name] = json.length === 1 ? json[0] : json
  }
  return Object.hasOwn(rule, 'freq') ? rule : undefined
}

function ruleValue (name: string, value: string): unknown {
  if (name === 'until') return jcalDateTime.toJson(value) ?? jcalDate.toJson(value)
  if (numeric.has(name) && !(name === 'bymonth' && /^\d+L$/i.test(value))) return jcalInteger.toJson(value)
  return ruleWord.test(value) ? value : undefined
}

function recurFromJson (json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const parts: string[] = []
  for (const [key, content] of Object.entries(json)) {
    const name = key.toLowerCase()
    const values = (Array.isArray(content) ? content as unknown[] : [content]).map(each => ruleText(name, each))
    if (!/^[a-z][a-z\d-]*$/.test(name) || values.length === 0 || values.includes(undefined)) return undefined
    const part = `${name.toUpperCase()}=${values.join(',')}`
    // RFC 5545 3.3.10: FREQ first, for the sake of old readers
    if (name === 'freq') parts.unshift(part)
    else parts.push(part)
  }
  return parts.join(';')
}

function ruleText (name: string, json: unknown): string | undefined {
  if (name === 'until') return jcalDateTime.fromJson(json) ?? jcalDate.fromJson(json)
  if (typeof json === 'number') return jcalInteger.fromJson(json)
  return typeof json === 'string' && ruleWord.test(json) ? json : undefined
}

/** hhmm[ss][Z] with colons */
function clock (value: string): string {
  return value.replace(/(\d\d)(?=\d)/g, '$1:')
}

/** The basic form (RFC 5545) of an extended one (ISO 8601). Apple's own client leaves the signs out, which is as clear. */
function basic (json: unknown, extended: RegExp, is: (value: string) => boolean, signs = /[:-]/g): string | undefined {
  if (typeof json !== 'string') return undefined
  const value = extended.test(json) ? json.replace(signs, '') : json
  return is(value) ? value : undefined
}
