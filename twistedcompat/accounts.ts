import { DocumentError, readDocument, type DocumentElement } from './document.js'
import { derivedGuid } from './guid.js'
import { numbered } from './repeat.js'

export type RecordType = 'users' | 'groups' | 'locations' | 'resources'

/** What a location or resource answers to invitations by itself; `automatic` accepts when free and declines when busy. */
export type AutoSchedule = 'none' | 'accept-always' | 'decline-always' | 'accept-if-free' | 'decline-if-busy' | 'automatic'

/** One account of Apple's files, the same for every generation. */
export interface AccountRecord {
  readonly type: RecordType
  /** Primary short name: the login, and the last segment of `/calendars/users/NAME/`. */
  readonly name: string
  /** Further short names. */
  readonly aliases: readonly string[]
  /** As in the file (any text, often the short name), else derived from realm, type and names. */
  readonly guid: string
  /** Clear text; absent when the account cannot log in. */
  readonly password?: string
  readonly fullName: string
  readonly firstName?: string
  readonly lastName?: string
  readonly emails: readonly string[]
  /** Calendar user addresses: the `cuaddr` as written, and `mailto:` of every e-mail. */
  readonly addresses: readonly string[]
  /** GUIDs of the members of a group; some may belong to no record. */
  readonly members: readonly string[]
  /** GUIDs of those who may write, and those who may read, the calendars of this record. */
  readonly proxies: readonly string[]
  readonly readProxies: readonly string[]
  readonly autoSchedule: AutoSchedule
  /** GUID of the group whose invitations are always accepted. */
  readonly autoAcceptGroup?: string
  readonly enabledForCalendaring: boolean
  readonly enabledForLogin: boolean
  /** Names of the calendars to create in the home (2006). */
  readonly calendars: readonly string[]
}

/** A file of accounts; `notes` are lines for the log about what the file says in vain. */
export interface Accounts {
  readonly realm: string
  readonly records: readonly AccountRecord[]
  readonly notes: readonly string[]
}

/** An accounts file that cannot be used; the message begins with the line where it is known. */
export class AccountsError extends Error {
  override readonly name = 'AccountsError'
}

/**
 * Reads any generation of accounts: `<repository>` (2006), `<accounts>` (2007–2013), `<directory>` (since).
 * A record that comes twice counts as it stands last. Addresses of rooms (`<record type="address">`) are skipped.
 * @throws AccountsError
 */
export function readAccounts (text: string): Accounts {
  const root = document(text)
  const holder = root.name === 'repository' ? root.children.find(child => child.name === 'accounts') : root
  if (holder === undefined) throw new AccountsError(`line ${root.line}: <repository> without <accounts>, expected one`)
  const realm = holder.attributes.get('realm') ?? ''
  const notes: string[] = []
  const drafts = new Map<string, Draft>()
  for (const draft of draftsOf(holder, realm)) {
    const key = `${draft.record.type}:${draft.record.name}`
    if (drafts.delete(key)) notes.push(`line ${draft.line}: ${key} is there twice, the last one counts`)
    drafts.set(key, draft)
  }
  return { realm, records: resolve(drafts, notes), notes }
}

/**
 * Adds the locations and resources of resources.xml (`<accounts>` or `<directory>`); they replace records of the same type and name.
 * @throws AccountsError
 */
export function applyResources (records: readonly AccountRecord[], text: string): AccountRecord[] {
  const added = readAccounts(text).records
  const keys = new Set(added.map(record => `${record.type}:${record.name}`))
  return [...records.filter(record => !keys.has(`${record.type}:${record.name}`)), ...added]
}

/**
 * Applies augments.xml: who has calendars, who may log in, who accepts by itself. For each record the most exact entry
 * counts: its GUID, the first letters (`User-ab*`, `ab*`), `User-Default`, `Default`. Groups never get calendars.
 * @throws AccountsError
 */
export function applyAugments (records: readonly AccountRecord[], text: string): AccountRecord[] {
  const root = document(text)
  if (root.name !== 'augments') throw wrong(root, '<augments>')
  const augments = new Map<string, Augment>()
  for (const child of root.children) {
    if (child.name !== 'record') throw wrong(child, '<record>')
    const augment = augmentOf(child)
    for (const copy of copies(child)) augments.set(guidKey(expanded(augment.uid, copy, child)), augment)
  }
  return records.map(record => {
    const augment = augmentKeys(record).map(key => augments.get(key)).find(found => found !== undefined)
    return augment === undefined ? record : augmented(record, augment)
  })
}

/**
 * Applies proxies.xml: the proxies of the records it names are replaced. Entries for GUIDs without record are skipped, as Apple does.
 * @throws AccountsError
 */
export function applyProxies (records: readonly AccountRecord[], text: string): AccountRecord[] {
  const root = document(text)
  if (root.name !== 'proxies') throw wrong(root, '<proxies>')
  const entries = new Map<string, { proxies: string[], readProxies: string[] }>()
  for (const child of root.children) {
    if (child.name !== 'record') throw wrong(child, '<record>')
    const fields = fieldsOf(child, ['guid', 'write-proxies', 'read-proxies', 'proxies', 'read-only-proxies'])
    const guid = required(child, fields, 'guid')
    for (const copy of copies(child)) {
      const members = (...names: string[]) => names.flatMap(name => fields.get(name) ?? [])
        .flatMap(list => list.children).map(member => expanded(textOf(member), copy, member)).filter(member => member !== '')
      entries.set(guidKey(expanded(guid, copy, child)), {
        proxies: members('write-proxies', 'proxies'),
        readProxies: members('read-proxies', 'read-only-proxies')
      })
    }
  }
  return records.map(record => ({ ...record, ...entries.get(guidKey(record.guid)) }))
}

/** A record whose members are still what the file calls them. */
interface Draft {
  readonly record: AccountRecord
  readonly line: number
  readonly members: readonly Reference[]
  readonly proxies: readonly Reference[]
  readonly readProxies: readonly Reference[]
}

/** `users:user01`, or a GUID where the type is missing. */
interface Reference { readonly type: RecordType | undefined, readonly name: string, readonly line: number }

const mostRecords = 200_000

const legacyTypes: ReadonlyMap<string, RecordType> = new Map([['user', 'users'], ['group', 'groups'], ['location', 'locations'], ['resource', 'resources']])

function document (text: string): DocumentElement {
  try {
    return readDocument(text)
  } catch (cause) {
    if (cause instanceof DocumentError) throw new AccountsError(cause.message, { cause })
    throw cause
  }
}

function * draftsOf (holder: DocumentElement, realm: string): Iterable<Draft> {
  if (holder.name !== 'accounts' && holder.name !== 'directory') throw wrong(holder, '<accounts>, <directory> or <repository>')
  const isLegacy = holder.name === 'accounts'
  const groupsHaveCalendars = isLegacy && !isSecondGeneration(holder)
  let count = 0
  for (const element of holder.children) {
    count += repeatOf(element)
    if (count > mostRecords) throw new AccountsError(`line ${element.line}: more than ${mostRecords} records, expected fewer`)
  }
  for (const element of holder.children) {
    if (!isLegacy && element.name !== 'record') throw wrong(element, '<record>')
    const kind = isLegacy ? element.name : element.attributes.get('type') ?? 'user'
    if (kind === 'address') continue
    const type = legacyTypes.get(kind)
    if (type === undefined) throw new AccountsError(`line ${element.line}: record of type ${JSON.stringify(kind)}, expected user, group, location or resource`)
    const make = isLegacy ? legacyDraft : directoryDraft
    const fields = isLegacy ? fieldsOf(element, legacyFields) : fieldsOf(element)
    for (const number of copies(element)) yield make({ element, type, realm, fields, number, groupsHaveCalendars })
  }
}

interface Source {
  readonly element: DocumentElement
  readonly type: RecordType
  readonly realm: string
  readonly fields: Fields
  readonly number: number | undefined
  readonly groupsHaveCalendars: boolean
}

const legacyFields = [
  'uid', 'guid', 'password', 'name', 'first-name', 'last-name', 'email-address', 'cuaddr', 'members', 'auto-schedule',
  'proxies', 'read-only-proxies', 'disable-calendar', 'extras', 'pswd', 'calendar', 'acl', 'autorespond', 'canproxy'
]

/** Groups had homes in 1.x, unless disabled, and never since 2.0: the generation shows in elements 1.x would have refused. */
function isSecondGeneration (holder: DocumentElement): boolean {
  return holder.children.some(record =>
    record.children.some(field => ['first-name', 'last-name', 'email-address', 'read-only-proxies', 'extras'].includes(field.name)) ||
    record.children.filter(field => field.name === 'uid').length > 1)
}

function legacyDraft ({ element, type, realm, fields, number, groupsHaveCalendars }: Source): Draft {
  const texts = (name: string) => (fields.get(name) ?? []).map(field => expanded(textOf(field), number, field)).filter(text => text !== '')
  const [name, ...aliases] = texts('uid')
  if (name === undefined) throw new AccountsError(`line ${element.line}: <${element.name}> without <uid>, expected a short name`)
  const password = verbatim(fields, 'password', number) ?? verbatim(fields, 'pswd', number)
  const emails = texts('email-address').map(email => email.toLowerCase())
  const cuaddrs = texts('cuaddr')
  const calendars = (fields.get('calendar') ?? []).map(textOf).filter(text => text !== '')
  // 2006: no cuaddr and no calendar means a principal without home; <pswd> tells the generation
  const isBare = fields.has('pswd') && cuaddrs.length === 0 && calendars.length === 0
  const record: AccountRecord = {
    type, name, aliases,
    guid: texts('guid')[0] ?? derivedGuid(realm, type, [name, ...aliases]),
    ...present('password', password),
    fullName: texts('name')[0] ?? name,
    ...present('firstName', texts('first-name')[0]),
    ...present('lastName', texts('last-name')[0]),
    emails,
    addresses: addresses(cuaddrs, emails),
    members: [], proxies: [], readProxies: [],
    autoSchedule: fields.has('auto-schedule') || fields.has('autorespond') ? 'automatic' : 'none',
    enabledForCalendaring: !fields.has('disable-calendar') && !isBare && (type !== 'groups' || groupsHaveCalendars),
    enabledForLogin: true,
    calendars
  }
  const references = (list: string) => (fields.get(list) ?? []).flatMap(members => members.children).flatMap(reference)
  return { record, line: element.line, members: references('members'), proxies: references('proxies'), readProxies: references('read-only-proxies') }
}

function directoryDraft ({ element, type, realm, fields, number }: Source): Draft {
  const texts = (name: string) => (fields.get(name) ?? []).map(field => expanded(textOf(field), number, field)).filter(text => text !== '')
  const names = texts('short-name')
  // The uid names homes and principals; the guid is an attribute of the directory
  const uid = texts('uid')[0] ?? texts('guid')[0]
  const name = names[0] ?? uid
  if (name === undefined) throw new AccountsError(`line ${element.line}: <record> without <uid> and <short-name>, expected them`)
  const emails = texts('email')
  const record: AccountRecord = {
    type, name,
    aliases: names.slice(1),
    guid: uid ?? derivedGuid(realm, type, names),
    ...present('password', verbatim(fields, 'password', number)),
    fullName: texts('full-name')[0] ?? name,
    emails,
    addresses: addresses([], emails),
    members: [], proxies: [], readProxies: [],
    autoSchedule: directoryMode(fields, type),
    ...present('autoAcceptGroup', texts('auto-accept-group')[0]),
    enabledForCalendaring: type !== 'groups' && flag(fields, 'has-calendars'),
    enabledForLogin: flag(fields, 'login-allowed'),
    calendars: []
  }
  const members = (fields.get('member-uid') ?? [])
    .map(field => ({ type: undefined, name: expanded(textOf(field), number, field), line: field.line }))
    .filter(member => member.name !== '')
  return { record, line: element.line, members, proxies: [], readProxies: [] }
}

const directoryModes: ReadonlyMap<string, AutoSchedule> = new Map([
  ['none', 'none'], ['accept', 'accept-always'], ['decline', 'decline-always'], ['accept-if-free', 'accept-if-free'],
  ['decline-if-busy', 'decline-if-busy'], ['accept-if-free-decline-if-busy', 'automatic']
])

function directoryMode (fields: Fields, type: RecordType): AutoSchedule {
  const field = fields.get('auto-schedule-mode')?.[0]
  if (field === undefined) return defaultMode(type)
  const mode = directoryModes.get(field.children[0]?.name ?? '')
  if (mode === undefined) throw wrong(field, [...directoryModes.keys()].map(name => `<${name}/>`).join(', ') + ' inside')
  return mode
}

function defaultMode (type: RecordType): AutoSchedule {
  return type === 'locations' || type === 'resources' ? 'automatic' : 'none'
}

/** `<has-calendars><false/></has-calendars>`; absent means yes. */
function flag (fields: Fields, name: string): boolean {
  const field = fields.get(name)?.[0]
  const word = field?.children[0]?.name ?? (field === undefined ? 'true' : '')
  if (field !== undefined && word !== 'true' && word !== 'false') throw wrong(field, '<true/> or <false/> inside')
  return word === 'true'
}

interface Augment {
  readonly uid: string
  readonly calendaring: boolean
  readonly login: boolean
  readonly mode: AutoSchedule | 'default' | undefined
  readonly autoAcceptGroup: string | undefined
}

const augmentFields = [
  'uid', 'guid', 'enable', 'hosted-at', 'server-id', 'partition-id', 'enable-calendar', 'enable-addressbook', 'enable-login',
  'auto-schedule', 'auto-schedule-mode', 'auto-accept-group'
]

const augmentModes: readonly (AutoSchedule | 'default')[] = ['default', 'none', 'accept-always', 'decline-always', 'accept-if-free', 'decline-if-busy', 'automatic']

function augmentOf (element: DocumentElement): Augment {
  const fields = fieldsOf(element, augmentFields)
  const word = (name: string) => textOf(fields.get(name)?.[0])
  const choice = (name: string, otherwise: boolean) => {
    const field = fields.get(name)?.[0]
    if (field === undefined) return otherwise
    if (!['true', 'false'].includes(textOf(field))) throw wrong(field, 'true or false')
    return textOf(field) === 'true'
  }
  const mode = augmentModes.find(mode => mode === word('auto-schedule-mode'))
  if (mode === undefined && word('auto-schedule-mode') !== '') throw wrong(fields.get('auto-schedule-mode')?.[0] ?? element, augmentModes.join(', '))
  // <enable> vanished in the last generation, where everything listed is enabled
  const isEnabled = choice('enable', true)
  return {
    uid: word('uid') === '' ? required(element, fields, 'guid', 'uid') : word('uid'),
    calendaring: isEnabled && choice('enable-calendar', false),
    login: isEnabled && choice('enable-login', true),
    mode: mode ?? (fields.has('auto-schedule') ? choice('auto-schedule', false) ? 'automatic' : 'none' : undefined),
    autoAcceptGroup: word('auto-accept-group') === '' ? undefined : word('auto-accept-group')
  }
}

function augmentKeys ({ type, guid }: AccountRecord): string[] {
  const kind = { users: 'User', groups: 'Group', locations: 'Location', resources: 'Resource' }[type]
  const [two, one] = [guid.slice(0, 2), guid.slice(0, 1)]
  return [guidKey(guid), `${kind}-${two}*`, `${kind}-${one}*`, `${two}*`, `${one}*`, `${kind}-Default`, 'Default']
}

function augmented (record: AccountRecord, { calendaring, login, mode, autoAcceptGroup }: Augment): AccountRecord {
  return {
    ...record,
    enabledForCalendaring: calendaring && record.type !== 'groups',
    enabledForLogin: login,
    autoSchedule: mode === 'default' ? defaultMode(record.type) : mode ?? record.autoSchedule,
    ...present('autoAcceptGroup', autoAcceptGroup)
  }
}

function resolve (drafts: ReadonlyMap<string, Draft>, notes: string[]): AccountRecord[] {
  const guids = new Set<string>()
  for (const { record, line } of drafts.values()) {
    if (guids.has(guidKey(record.guid))) notes.push(`line ${line}: ${record.type}:${record.name} has the guid ${record.guid} of another record`)
    guids.add(guidKey(record.guid))
  }
  return [...drafts.values()].map(({ record, ...lists }) => {
    const found = (references: readonly Reference[]) => [...new Set(references.flatMap(({ type, name, line }) => {
      if (type === undefined) return [name]
      const guid = drafts.get(`${type}:${name}`)?.record.guid ?? (guids.has(guidKey(name)) ? name : undefined)
      if (guid === undefined) notes.push(`line ${line}: ${record.type}:${record.name} names ${type}:${name}, which is no record`)
      return guid === undefined ? [] : [guid]
    }))]
    return { ...record, members: found(lists.members), proxies: found(lists.proxies), readProxies: found(lists.readProxies) }
  })
}

/** UUIDs are compared without case, other GUIDs as they are. */
function guidKey (guid: string): string {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(guid) ? guid.toUpperCase() : guid
}

type Fields = ReadonlyMap<string, readonly DocumentElement[]>

function fieldsOf (element: DocumentElement, allowed?: readonly string[]): Fields {
  const fields = new Map<string, DocumentElement[]>()
  for (const child of element.children) {
    if (allowed !== undefined && !allowed.includes(child.name)) throw wrong(child, `in <${element.name}> one of ${allowed.join(', ')}`)
    const same = fields.get(child.name)
    if (same === undefined) fields.set(child.name, [child])
    else same.push(child)
  }
  return fields
}

function required (element: DocumentElement, fields: Fields, name: string, called = name): string {
  const text = textOf(fields.get(name)?.[0])
  if (text === '') throw new AccountsError(`line ${element.line}: <${element.name}> without <${called}>, expected it`)
  return text
}

function reference (member: DocumentElement): Reference[] {
  if (member.name !== 'member') throw wrong(member, '<member>')
  const word = member.attributes.get('type') ?? 'users'
  const type = [...legacyTypes.values()].find(type => type === word)
  if (type === undefined) throw new AccountsError(`line ${member.line}: member of type ${JSON.stringify(word)}, expected users, groups, locations or resources`)
  const name = textOf(member)
  return name === '' ? [] : [{ type, name, line: member.line }]
}

function textOf (element: DocumentElement | undefined): string {
  if (element !== undefined && element.children.length > 0) throw wrong(element, 'text')
  return element?.text.trim() ?? ''
}

/** A password: spaces count, and an empty one means that nobody can log in. */
function verbatim (fields: Fields, name: string, number: number | undefined): string | undefined {
  const field = fields.get(name)?.[0]
  if (field === undefined || textOf(field) === '') return undefined
  return expanded(field.text, number, field)
}

function addresses (cuaddrs: readonly string[], emails: readonly string[]): string[] {
  return [...new Set([...cuaddrs, ...emails.map(email => `mailto:${email}`)])]
}

/** The numbers of the copies a record stands for; one copy without number when it is not repeated. */
function copies (element: DocumentElement): (number | undefined)[] {
  const count = repeatOf(element)
  return count > 1 ? Array.from({ length: count }, (_, i) => i + 1) : [undefined]
}

function repeatOf (element: DocumentElement): number {
  const repeat = element.attributes.get('repeat') ?? '1'
  const count = /^\d{1,9}$/.test(repeat.trim()) ? Number(repeat) : NaN
  if (!(count <= mostRecords)) throw new AccountsError(`line ${element.line}: repeat=${JSON.stringify(repeat)}, expected a number up to ${mostRecords}`)
  return count
}

function expanded (text: string, number: number | undefined, element: DocumentElement): string {
  if (number === undefined) return text
  const result = numbered(text, number)
  // The text may be a password: it is not repeated in the message
  if (result === undefined) throw new AccountsError(`line ${element.line}: <${element.name}> of a repeated record, expected at most one %d or %02d, and %% for a percent sign alongside`)
  return result
}

function present<Key extends string> (key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: string }
}

function wrong (element: DocumentElement, expected: string): AccountsError {
  return new AccountsError(`line ${element.line}: <${element.name}>, expected ${expected}`)
}
