import { calendarUserAddresses, guidKey, recordTypes, type DirectoryRecord, type RecordType } from '../directory/record.js'
import { href } from '../dav/href.js'
import type { Kind } from '../site/kind.js'
import { homeHref, principalHref, type Resource } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { caldav, cs, dav } from '../xml/name.js'
import { escapeText } from '../xml/write.js'
import { hrefElement } from './href.js'
import type { Ask, PropertyRow } from './property.js'

const on: readonly Kind[] = ['principal']
// Vivaldi and iOS ask for the home at the address the user typed
const entrances: readonly Kind[] = ['principal', 'root', 'principals', 'calendars', 'home']

/** RFC 3744 4, RFC 4791 6.2.1, RFC 6638 2, Apple's additions */
export const principal: readonly PropertyRow[] = [
  { name: dav('principal-URL'), on: ['principal', 'proxy'], read: resource => hrefElement(ownHref(resource)) },
  { name: dav('alternate-URI-set'), on, read: ({ owner }) => owner?.emails.map(email => hrefElement(`mailto:${email}`)).join('') },
  { name: dav('group-member-set'), on: ['principal', 'proxy'], read: groupMembers },
  { name: dav('group-membership'), on: ['principal', 'proxy'], read: groupMembership },
  { name: caldav('calendar-home-set'), on: entrances, read: calendarHomeSet },
  { name: caldav('calendar-user-address-set'), on, read: ({ owner }) => owner === undefined ? undefined : addresses(owner).map(hrefElement).join('') },
  { name: caldav('calendar-user-type'), on, read: ({ owner }) => owner === undefined ? undefined : userTypes[owner.type] },
  { name: caldav('schedule-inbox-URL'), on, read: ({ owner }) => box(owner, 'inbox') },
  { name: caldav('schedule-outbox-URL'), on, read: ({ owner }) => box(owner, 'outbox') },
  { name: cs('email-address-set'), on, read: ({ owner }) => owner?.emails.map(email => `<CS:email-address>${escapeText(email)}</CS:email-address>`).join('') },
  { name: cs('calendar-proxy-read-for'), on, read: ({ owner }, { site }) => owner === undefined ? undefined : proxyFor(site, owner, 'readProxies') },
  { name: cs('calendar-proxy-write-for'), on, read: ({ owner }, { site }) => owner === undefined ? undefined : proxyFor(site, owner, 'writeProxies') },
  { name: cs('record-type'), on, read: ({ owner }) => owner?.type }
]

// CALDAV:calendar-user-type takes the words of CUTYPE (RFC 6638 2.4.2)
const userTypes: Readonly<Record<RecordType, string>> = { users: 'INDIVIDUAL', groups: 'GROUP', locations: 'ROOM', resources: 'RESOURCE' }

function ownHref ({ owner, access }: Resource): string {
  if (owner === undefined) return '/'
  return access === undefined ? principalHref(owner) : proxyHref(owner, access)
}

function proxyHref (owner: DirectoryRecord, access: 'read' | 'write'): string {
  return href(['principals', '__uids__', owner.guid, `calendar-proxy-${access}`], true)
}

function groupMembers ({ owner, access }: Resource, { site }: Ask): string {
  const guids = access === 'read' ? owner?.readProxies : access === 'write' ? owner?.writeProxies : owner?.members
  return (guids ?? []).flatMap(guid => site.directory.byGuid(guid) ?? []).map(record => hrefElement(principalHref(record))).join('')
}

// DAVx5 follows these to the calendars of those for whom one may act
function groupMembership ({ owner, access }: Resource, { site }: Ask): string {
  if (owner === undefined || access !== undefined) return ''
  return site.directory.groupsOf(owner).map(group => hrefElement(principalHref(group))).join('')
}

// people, rooms and groups, named as proxies themselves or through a group
function proxyFor ({ directory }: Site, owner: DirectoryRecord, half: 'readProxies' | 'writeProxies'): string {
  const guids = new Set([owner, ...directory.groupsOf(owner)].map(({ guid }) => guidKey(guid)))
  return recordTypes.flatMap(type => directory.all(type)).filter(record => record.guid !== owner.guid && record[half].some(guid => guids.has(guidKey(guid))))
    .map(record => hrefElement(principalHref(record))).join('')
}

function calendarHomeSet ({ kind, owner }: Resource, { user }: Ask): string | undefined {
  const record = kind === 'principal' || kind === 'home' ? owner : user.record
  return record?.calendaring === true ? hrefElement(homeHref(record)) : undefined
}

function addresses (record: DirectoryRecord): string[] {
  const paths = [principalHref(record), href(['principals', record.type, record.name], true)]
  return [...calendarUserAddresses(record).filter(address => !address.startsWith('/')), ...paths]
}

function box (owner: DirectoryRecord | undefined, name: string): string | undefined {
  return owner?.calendaring === true ? hrefElement(`${homeHref(owner)}${name}/`) : undefined
}
