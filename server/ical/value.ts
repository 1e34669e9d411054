import { daysInMonth } from './civil.js'

/** A value type of RFC 5545 3.3: its name, whether a value has its form, and that form in words for an error message. */
export interface ValueType {
  readonly name: string
  readonly form: string
  is (value: string): boolean
}

const DURATION = /^[+-]?P(?=T?[0-9])(?:[0-9]{1,9}W)?(?:[0-9]{1,9}D)?(?:T(?:[0-9]{1,9}H)?(?:[0-9]{1,9}M)?(?:[0-9]{1,9}S)?)?$/
const UTC_OFFSET = /^[+-](?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?$/
const FLOAT = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const INTEGER = /^[+-]?[0-9]{1,10}$/

/** 3.3.4: eight digits that are a day of the calendar. */
export function isDate (value: string): boolean {
  return value.length === 8 && isDay(value)
}

/** 3.3.5: a day, `T`, a time of day, `Z` for UTC. Second 60 is allowed: a leap second. */
export function isDateTime (value: string): boolean {
  const { length } = value
  if (length !== 15 && !(length === 16 && value.charCodeAt(15) === 90)) return false
  return value.charCodeAt(8) === 84 && isDay(value) && digits(value, 9, 11) < 24 && digits(value, 11, 13) < 60 && digits(value, 13, 15) <= 60
}

/** 3.3.6; weeks together with days are let through: several clients write them and every reader adds them up. */
export function isDuration (value: string): boolean {
  return DURATION.test(value)
}

/** 3.3.9: start/end or start/duration. */
export function isPeriod (value: string): boolean {
  const slash = value.indexOf('/')
  if (slash < 0) return false
  const end = value.slice(slash + 1)
  return isDateTime(value.slice(0, slash)) && (isDateTime(end) || (isDuration(end) && end[0] !== '-'))
}

function isGeo (value: string): boolean {
  const [latitude = '', longitude = '', ...more] = value.split(';', 3)
  return more.length === 0 && FLOAT.test(latitude) && FLOAT.test(longitude)
}

/** 3.3.1; white space between the groups is what is left of old foldings and is skipped by every decoder. */
function isBinary (value: string): boolean {
  const plain = /\s/.test(value) ? value.replace(/\s+/g, '') : value
  return plain.length % 4 === 0 && BASE64.test(plain)
}

export const dateTime: ValueType = { name: 'DATE-TIME', form: 'a date with time (YYYYMMDDThhmmss, Z for UTC)', is: isDateTime }
export const date: ValueType = { name: 'DATE', form: 'a date (YYYYMMDD)', is: isDate }
export const duration: ValueType = { name: 'DURATION', form: 'a duration (like -PT15M)', is: isDuration }
export const period: ValueType = { name: 'PERIOD', form: 'a period (date-time/date-time or date-time/duration)', is: isPeriod }
export const integer: ValueType = { name: 'INTEGER', form: 'an integer', is: value => INTEGER.test(value) }
export const float: ValueType = { name: 'FLOAT', form: 'a number', is: value => FLOAT.test(value) }
export const geo: ValueType = { name: 'FLOAT', form: 'latitude;longitude', is: isGeo }
export const utcOffset: ValueType = { name: 'UTC-OFFSET', form: 'an offset from UTC (like +0100)', is: value => UTC_OFFSET.test(value) }
export const boolean: ValueType = { name: 'BOOLEAN', form: 'TRUE or FALSE', is: value => /^(?:true|false)$/i.test(value) }
export const binary: ValueType = { name: 'BINARY', form: 'base64', is: isBinary }

function isDay (value: string): boolean {
  const year = digits(value, 0, 4)
  const month = digits(value, 4, 6)
  const day = digits(value, 6, 8)
  return year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

/** Infinity when one of them is no digit. */
function digits (value: string, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at++) {
    const digit = value.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return Infinity
    number = number * 10 + digit
  }
  return number
}
