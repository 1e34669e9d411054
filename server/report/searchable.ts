import { calendarUserAddresses, type DirectoryRecord, type RecordType } from '../directory/record.js'
import type { Directory } from '../directory/directory.js'
import { userTypes } from '../property/principal.js'
import type { Resource } from '../site/resource.js'
import { caldav, cs, dav, type Name } from '../xml/name.js'

/** A property by which principals can be found. */
export interface Searchable {
  readonly name: Name
  readonly meaning: string
  readonly values: (record: DirectoryRecord) => readonly string[]
}

/** The table of what can be searched; first what people search most (RFC 3744 9.5). */
export const searchable: readonly Searchable[] = [
  { name: dav('displayname'), meaning: 'Full name', values: record => [record.fullName] },
  { name: cs('first-name'), meaning: 'First name', values: record => firstNames(record) },
  { name: cs('last-name'), meaning: 'Last name', values: record => lastNames(record) },
  { name: cs('email-address-set'), meaning: 'Mail addresses', values: record => record.emails },
  { name: caldav('calendar-user-address-set'), meaning: 'Calendar addresses', values: calendarUserAddresses },
  { name: caldav('calendar-user-type'), meaning: 'Person, group, room or resource', values: ({ type }) => [userTypes[type]] },
  { name: cs('record-name'), meaning: 'Short name', values: record => [record.name, ...record.aliases] }
]

// Accounts without first and last name: iCal 4 looks for people by these two only
function firstNames ({ type, firstName, fullName }: DirectoryRecord): readonly string[] {
  return firstName !== undefined ? [firstName] : type === 'users' ? [fullName] : []
}

function lastNames ({ type, lastName, fullName }: DirectoryRecord): readonly string[] {
  return lastName !== undefined ? [lastName] : type === 'users' ? fullName.split(' ').slice(-1) : []
}

/** Text for comparisons without case: ß is ss, accents count. */
export function caseless (text: string): string {
  return text.normalize('NFC').toLowerCase().toUpperCase().toLowerCase()
}

const remembered = new WeakMap<DirectoryRecord, Map<Searchable, readonly string[]>>()

/** The values of a record, ready to be compared without case. */
export function caselessValues (row: Searchable, record: DirectoryRecord): readonly string[] {
  let rows = remembered.get(record)
  if (rows === undefined) remembered.set(record, rows = new Map())
  let values = rows.get(row)
  if (values === undefined) rows.set(row, values = row.values(record).map(caseless))
  return values
}

/** Records of the given types that pass, as principals named by their guid. Others get their turn meanwhile. */
export async function * principalsWhere (directory: Directory, types: readonly RecordType[], passes: (record: DirectoryRecord) => boolean): AsyncGenerator<Resource> {
  let until = performance.now() + slice
  for (const type of types) {
    for (const record of directory.all(type)) {
      if (passes(record)) yield { kind: 'principal', segments: ['principals', '__uids__', record.guid], owner: record }
      if (performance.now() < until) continue
      await new Promise(resolve => setImmediate(resolve))
      until = performance.now() + slice
    }
  }
}

/** Others get their turn after so many ms of a long search. */
const slice = 15
