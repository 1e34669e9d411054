/** The four sorts of people and things, in the words of their paths: /principals/users/alice/, /calendars/locations/hall/. */
export const recordTypes = ['users', 'groups', 'locations', 'resources'] as const
export type RecordType = typeof recordTypes[number]

/** A user, group, location or resource as the directory knows it. Never holds a password, so that it may be logged. */
export interface DirectoryRecord {
  readonly type: RecordType
  /** Short name, unique in its type; also the segment of its paths, decoded. */
  readonly name: string
  /** Further short names (Apple allows several); they log in and are found, but paths use `name`. */
  readonly aliases: readonly string[]
  /** Stays the same when the name changes. Usually a UUID, in Apple's accounts any text. */
  readonly guid: string
  readonly fullName: string
  readonly firstName?: string
  readonly lastName?: string
  /** Mail addresses without 'mailto:', as written. */
  readonly emails: readonly string[]
  /** Calendar user addresses beside those that follow from emails, guid and path. Absolute URIs. */
  readonly addresses: readonly string[]
  /** guids of the direct members; empty unless a group. */
  readonly members: readonly string[]
  /** guids of those who may write for this one, or only read. */
  readonly writeProxies: readonly string[]
  readonly readProxies: readonly string[]
  /** Has a calendar home. */
  readonly calendaring: boolean
  readonly autoSchedule: AutoSchedule
  /** guid of the group whose invitations are always accepted. */
  readonly autoAcceptGroup?: string
  /** Most bytes in the home: counts instead of the setting limits.quotaBytes; 0 = as many as fit. */
  readonly quota?: number
}

/** What is answered to invitations without a person; 'automatic' accepts when free and declines when busy. */
export const autoSchedules = ['none', 'accept-always', 'decline-always', 'accept-if-free', 'decline-if-busy', 'automatic'] as const
export type AutoSchedule = typeof autoSchedules[number]

/** A record with its stored password: 'scrypt$…', 'plain:…', 'ldap:DN' and others (password.ts); undefined cannot log in. */
export interface Account {
  readonly record: DirectoryRecord
  readonly password: string | undefined
}

/** Decoded path of the principal: '/principals/users/alice/'. */
export function principalPath ({ type, name }: Pick<DirectoryRecord, 'type' | 'name'>): string {
  return `/principals/${type}/${name}/`
}

/** All calendar user addresses (RFC 6638 2.4.1): mailto first, because clients compare the organizer with it; the path is decoded. */
export function calendarUserAddresses (record: DirectoryRecord): string[] {
  return [...new Set([
    ...record.emails.map(email => `mailto:${email}`), ...record.addresses, `urn:uuid:${record.guid}`, principalPath(record)
  ])]
}

/** For comparing guids: UUIDs without case (RFC 9562 4), other texts as they are, as Apple's server does. */
export function guidKey (guid: string): string {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(guid) ? guid.toLowerCase() : guid
}

/** Why a short name cannot be the segment of a path and the name of a directory; undefined when it can. */
export function nameProblem (name: string): string | undefined {
  if (name === '') return 'is empty'
  if (Buffer.byteLength(name) > 100) return 'is longer than 100 bytes'
  if (name.startsWith('.')) return 'begins with a dot'
  if (name !== name.trim()) return 'begins or ends with a space'
  if (/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(name)) return 'has a control character'
  if (/\p{Cs}/u.test(name)) return 'has half a character (a lone surrogate)'
  if (name !== name.normalize('NFC')) return 'has accents as separate characters (not in Unicode normal form C)'
  const wrong = /[/\\%:]/.exec(name)?.[0]
  // RFC 7617 2: a colon ends the user name of a Basic login
  return wrong === undefined ? undefined : `has "${wrong}"`
}
