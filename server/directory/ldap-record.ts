import type { Settings } from '../../conf/settings.js'
import type { RecordType } from './record.js'

export type LdapSettings = Settings['ldap']

/** An entry of LDAP as it came: attribute in lower case, without options, → values. */
export interface LdapEntry { readonly dn: string, readonly attributes: ReadonlyMap<string, readonly (string | Buffer)[]> }

/** An account as LDAP has it. Members are not resolved yet: they may be of another source. */
export interface LdapRecord {
  readonly type: RecordType
  /** As the server wrote it: one logs in with it. */
  readonly dn: string
  /** Short name in normal form C; undefined when the entry has none. */
  readonly name: string | undefined
  readonly guid: string | undefined
  readonly fullName: string | undefined
  readonly firstName: string | undefined
  readonly lastName: string | undefined
  readonly emails: readonly string[]
  /** Of a group: entries, and short names of users. */
  readonly memberDns: readonly string[]
  readonly memberNames: readonly string[]
}

/** The attributes to ask for. */
export function attributesFor (type: RecordType, settings: LdapSettings): string[] {
  const { fullName, firstName, lastName, email, guid, member, memberName } = settings
  return [...new Set([nameAttribute(type, settings), ...fullName, firstName, lastName, ...email, ...guid, ...type === 'groups' ? [...member, ...memberName] : []])]
}

/** Entry → record. Values that could not stand in our accounts file are left out. */
export function recordOf (type: RecordType, { dn, attributes }: LdapEntry, settings: LdapSettings): LdapRecord {
  const raw = (attribute: string) => attributes.get(attribute.toLowerCase()) ?? []
  const texts = (...names: readonly string[]) => names.flatMap(raw).filter(isText).map(text => text.trim()).filter(text => text !== '')
  const line = (...names: readonly string[]) => texts(...names).find(text => text.length <= mostLetters && !/[\0-\x1f\x7f]/.test(text))
  const isGroup = type === 'groups'
  const [guid] = settings.guid.flatMap(raw)
  return {
    type, dn,
    name: texts(nameAttribute(type, settings))[0]?.normalize('NFC'),
    guid: guid === undefined ? undefined : typeof guid === 'string' ? guid.trim() : microsoftGuid(guid),
    fullName: line(...settings.fullName),
    firstName: line(settings.firstName),
    lastName: line(settings.lastName),
    emails: [...new Set(texts(...settings.email).filter(email => email.length <= mostLetters && /^[^\s@:]+@[^\s@]+$/.test(email)))],
    memberDns: isGroup ? texts(...settings.member) : [],
    memberNames: isGroup ? texts(...settings.memberName) : []
  }
}

/** Is this, read from a file, a record? */
export function isLdapRecord (value: unknown): value is LdapRecord {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Record<string, unknown>
  const isOptional = (name: string) => fields[name] === undefined || isText(fields[name])
  const isTexts = (name: string) => Array.isArray(fields[name]) && fields[name].every(isText)
  return ['users', 'groups', 'locations', 'resources'].some(type => type === fields['type']) && isText(fields['dn']) &&
    ['name', 'guid', 'fullName', 'firstName', 'lastName'].every(isOptional) && ['emails', 'memberDns', 'memberNames'].every(isTexts)
}

const mostLetters = 500

function nameAttribute (type: RecordType, { userName, groupName }: LdapSettings): string {
  return type === 'users' ? userName : groupName
}

/** objectGUID of Active Directory: its first three fields have the lowest byte first. */
function microsoftGuid (bytes: Buffer): string | undefined {
  if (bytes.length !== 16) return undefined
  const field = (from: number, to: number, isTurned = false) => {
    const part = Buffer.from(bytes.subarray(from, to))
    return (isTurned ? part.reverse() : part).toString('hex')
  }
  return [field(0, 4, true), field(4, 6, true), field(6, 8, true), field(8, 10), field(10, 16)].join('-')
}

const isText = (value: unknown): value is string => typeof value === 'string'
