import { DavError } from '../dav/error.js'
import { resolve } from '../dav/href.js'
import { guidKey, recordTypes, type Account, type DirectoryRecord, type RecordType } from './record.js'

/** The two groups of proxies that everybody has. */
export type Half = 'read' | 'write'

/** Proxies that were chosen elsewhere than in the accounts: 'users/alice' → half → 'users/bob', 'groups/staff'. A name alone is a user, or a guid. */
export type Delegations = ReadonlyMap<string, Readonly<Partial<Record<Half, readonly string[]>>>>

/** Who there is. One object for the life of the server; `replace` and `delegate` give it new contents. */
export class Directory {
  #version = 0
  #accounts: readonly Account[]
  #delegations: Delegations = new Map()
  #records!: Map<string, DirectoryRecord>
  #passwords!: Map<string, string>
  #byName!: Map<RecordType, Map<string, DirectoryRecord>>
  /** Users by name in lower case: no two differ in case alone (accounts.ts). Made when somebody asks. */
  #byLower: Map<string, DirectoryRecord> | undefined
  #byAddress!: Map<string, DirectoryRecord>
  #groupsOf!: Map<string, DirectoryRecord[]>
  #delegators!: Record<Half, Map<string, DirectoryRecord[]>>
  readonly #origins: readonly string[]

  /** @param origin  'https://cal.example.org' when known: addresses below it are read as paths */
  constructor (accounts: Iterable<Account> = [], { origin }: { origin?: string | undefined } = {}) {
    this.#origins = origin === undefined ? [] : [origin]
    this.#accounts = [...accounts]
    this.#fill()
  }

  /** Counts the contents: another number means that what was found before may no longer be true. */
  get version (): number { return this.#version }

  /** New contents, all at once. The accounts have been checked (accounts.ts). */
  replace (accounts: Iterable<Account>): void {
    this.#accounts = [...accounts]
    this.#fill()
    this.#version++
  }

  /** Proxies that count instead of those of the accounts, for each record and half that is named. Names that nobody has are passed over. */
  delegate (delegations: Delegations): void {
    this.#delegations = delegations
    this.#fill()
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
    return this.byName('users', name) ?? this.#userByLower(name.toLowerCase()) ?? this.#userByEmail(name)
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

  /** The groups that this one is a member of, without those around them. */
  directGroupsOf ({ guid }: DirectoryRecord): readonly DirectoryRecord[] {
    return this.#groupsOf.get(guidKey(guid)) ?? []
  }

  /** Everybody who names this one as a proxy, not counting those who name a group around it. */
  directDelegatorsOf ({ guid }: DirectoryRecord, half: Half): readonly DirectoryRecord[] {
    return this.#delegators[half].get(guidKey(guid)) ?? []
  }

  /** Everybody for whom this one may act, as a proxy or as a member of a group that is one; never itself. */
  delegatorsOf (record: DirectoryRecord, half: Half): DirectoryRecord[] {
    const found = new Set([record, ...this.groupsOf(record)].flatMap(one => this.directDelegatorsOf(one, half)))
    found.delete(record)
    return [...found]
  }

  /** The record that 'users/bob' names; 'bob' is a user, or a guid. */
  byReference (reference: string): DirectoryRecord | undefined {
    const [type, name] = reference.split('/')
    const known = recordTypes.find(one => one === type)
    if (name !== undefined) return known === undefined ? undefined : this.byName(known, name)
    return this.byName('users', reference) ?? this.byGuid(reference)
  }

  /** All records of a type, in order of the accounts file. */
  all (type: RecordType): DirectoryRecord[] {
    return [...this.#records.values()].filter(record => record.type === type)
  }

  /** The stored password (password.ts); undefined cannot log in. */
  password (record: DirectoryRecord): string | undefined {
    return this.#passwords.get(guidKey(record.guid))
  }

  #fill (): void {
    this.#records = new Map()
    this.#passwords = new Map()
    this.#byName = new Map(recordTypes.map(type => [type, new Map()]))
    this.#byLower = undefined
    this.#byAddress = new Map()
    this.#groupsOf = new Map()
    for (const { record, password } of this.#accounts) {
      this.#add(record)
      if (password !== undefined) this.#passwords.set(guidKey(record.guid), password)
    }
    for (const [reference, { read, write }] of this.#delegations) {
      const record = this.byReference(reference)
      if (record === undefined) continue
      this.#add({
        ...record,
        ...read === undefined ? {} : { readProxies: this.#guidsOf(read) },
        ...write === undefined ? {} : { writeProxies: this.#guidsOf(write) }
      })
    }
    this.#link()
  }

  /** Finds a record by guid and names from now on; one with the same guid is replaced. */
  #add (record: DirectoryRecord): void {
    this.#records.set(guidKey(record.guid), record)
    for (const name of [record.name, ...record.aliases]) this.#byName.get(record.type)?.set(name, record)
  }

  #guidsOf (references: readonly string[]): string[] {
    return references.flatMap(reference => this.byReference(reference)?.guid ?? [])
  }

  #link (): void {
    this.#delegators = { read: new Map(), write: new Map() }
    for (const record of this.#records.values()) {
      for (const address of [...record.emails.map(email => `mailto:${email}`), ...record.addresses]) {
        const key = addressKey(address)
        if (!this.#byAddress.has(key)) this.#byAddress.set(key, record)
      }
      enter(this.#groupsOf, record.members, record)
      enter(this.#delegators.read, record.readProxies, record)
      enter(this.#delegators.write, record.writeProxies, record)
    }
  }

  #userByLower (lower: string): DirectoryRecord | undefined {
    this.#byLower ??= new Map(this.all('users').flatMap(record => [record.name, ...record.aliases].map((name): [string, DirectoryRecord] => [name.toLowerCase(), record])))
    return this.#byLower.get(lower)
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

/** Makes a record known under each of the guids. */
function enter (map: Map<string, DirectoryRecord[]>, guids: readonly string[], record: DirectoryRecord): void {
  for (const key of new Set(guids.map(guidKey))) {
    const known = map.get(key)
    if (known === undefined) map.set(key, [record])
    else known.push(record)
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
