import { DavError } from '../dav/error.js'
import { resolve } from '../dav/href.js'
import { guidKey, recordTypes, type Account, type DirectoryRecord, type RecordType } from './record.js'

/** Who there is. One object for the life of the server; `replace` gives it new contents. */
export class Directory {
  #version = 0
  #records!: Map<string, DirectoryRecord>
  #passwords!: Map<string, string>
  #byName!: Map<RecordType, Map<string, DirectoryRecord>>
  #byAddress!: Map<string, DirectoryRecord>
  #groupsOf!: Map<string, DirectoryRecord[]>
  readonly #origins: readonly string[]

  /** @param origin  'https://cal.example.org' when known: addresses below it are read as paths */
  constructor (accounts: Iterable<Account> = [], { origin }: { origin?: string | undefined } = {}) {
    this.#origins = origin === undefined ? [] : [origin]
    this.#fill(accounts)
  }

  /** Counts the contents: another number means that what was found before may no longer be true. */
  get version (): number { return this.#version }

  /** New contents, all at once. The accounts have been checked (accounts.ts). */
  replace (accounts: Iterable<Account>): void {
    this.#fill(accounts)
    this.#version++
  }

  /** UUIDs compare without case: Apple writes them in capitals. */
  byGuid (guid: string): DirectoryRecord | undefined {
    return this.#records.get(guidKey(guid))
  }

  /** By short name or alias, exactly as written. */
  byName (type: RecordType, name: string): DirectoryRecord | undefined {
    return this.#byName.get(type)?.get(name)
  }

  /** The user whom somebody means who types this at a login: name, then name without case, then mail address. */
  byLogin (typed: string): DirectoryRecord | undefined {
    const name = typed.normalize('NFC')
    return this.byName('users', name) ?? this.#onlyUser(name.toLowerCase()) ?? this.#userByEmail(name)
  }

  /**
   * By calendar user address: 'mailto:…' (without case), 'urn:uuid:…', an address written in the accounts, the path of
   * the principal ('/principals/users/alice/' or '/principals/__uids__/GUID/', percent-encoded or not) or its URL at our origin.
   */
  byAddress (address: string): DirectoryRecord | undefined {
    const found = this.#byAddress.get(addressKey(address))
    if (found !== undefined) return found
    const guid = /^urn:(?:uuid|x-uid):(.+)$/i.exec(address)?.[1]
    if (guid !== undefined) return this.byGuid(guid)
    return this.#byPath(address)
  }

  /** Every group that this one is in, directly or through other groups. */
  groupsOf (record: DirectoryRecord): DirectoryRecord[] {
    return reach(record, ({ guid }) => this.#groupsOf.get(guidKey(guid)) ?? [])
  }

  /** Everybody in a group, directly or through other groups; those groups too. */
  membersOf (group: DirectoryRecord): DirectoryRecord[] {
    return reach(group, ({ members }) => members.flatMap(guid => this.byGuid(guid) ?? []))
  }

  /** All records of a type, in order of the accounts file. */
  all (type: RecordType): DirectoryRecord[] {
    return [...this.#records.values()].filter(record => record.type === type)
  }

  /** The stored password (password.ts); undefined cannot log in. */
  password (record: DirectoryRecord): string | undefined {
    return this.#passwords.get(guidKey(record.guid))
  }

  #fill (accounts: Iterable<Account>): void {
    this.#records = new Map()
    this.#passwords = new Map()
    this.#byName = new Map(recordTypes.map(type => [type, new Map()]))
    this.#byAddress = new Map()
    this.#groupsOf = new Map()
    for (const { record, password } of accounts) {
      this.#records.set(guidKey(record.guid), record)
      if (password !== undefined) this.#passwords.set(guidKey(record.guid), password)
      for (const name of [record.name, ...record.aliases]) this.#byName.get(record.type)?.set(name, record)
      for (const address of [...record.emails.map(email => `mailto:${email}`), ...record.addresses]) {
        const key = addressKey(address)
        if (!this.#byAddress.has(key)) this.#byAddress.set(key, record)
      }
      for (const member of new Set(record.members.map(guidKey))) {
        this.#groupsOf.set(member, [...this.#groupsOf.get(member) ?? [], record])
      }
    }
  }

  #onlyUser (lower: string): DirectoryRecord | undefined {
    const found = this.all('users').filter(({ name, aliases }) => [name, ...aliases].some(one => one.toLowerCase() === lower))
    return found.length === 1 ? found[0] : undefined
  }

  #userByEmail (email: string): DirectoryRecord | undefined {
    const found = email.includes('@') ? this.#byAddress.get(addressKey(`mailto:${email}`)) : undefined
    return found?.type === 'users' ? found : undefined
  }

  #byPath (address: string): DirectoryRecord | undefined {
    const [principals, type, name, ...more] = segmentsOf(address, this.#origins)
    if (principals !== 'principals' || type === undefined || name === undefined || more.length > 0) return undefined
    if (type === '__uids__') return this.byGuid(name)
    const known = recordTypes.find(one => one === type)
    return known === undefined ? undefined : this.byName(known, name)
  }
}

function segmentsOf (address: string, origins: readonly string[]): readonly string[] {
  try {
    return resolve('/', address, origins)?.segments ?? []
  } catch (error) {
    if (error instanceof DavError) return []
    throw error
  }
}

// RFC 6638 2.4.1: mail addresses are compared without case, other addresses as written
function addressKey (address: string): string {
  return /^mailto:/i.test(address) ? decode(address).toLowerCase().normalize('NFC') : address
}

function decode (encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** Everything that can be reached in steps, without the start; a circle of groups ends where it began. */
function reach (start: DirectoryRecord, next: (record: DirectoryRecord) => readonly DirectoryRecord[]): DirectoryRecord[] {
  const seen = new Set([start])
  for (const record of seen) {
    for (const further of next(record)) seen.add(further)
  }
  seen.delete(start)
  return [...seen]
}
