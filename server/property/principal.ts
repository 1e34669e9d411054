import { namedHref } from '../acl/principal.js'
import { calendarUserAddresses, type DirectoryRecord, type RecordType } from '../directory/record.js'
import type { Directory } from '../directory/directory.js'
import { href } from '../dav/href.js'
import type { Kind } from '../site/kind.js'
import { homeHref, principalHref, type Resource } from '../site/resource.js'
import { caldav, cs, dav } from '../xml/name.js'
import { escapeText } from '../xml/write.js'
import { changeMembers } from './group-members.js'
import { hrefElement } from './href.js'
import type { Ask, PropertyRow } from './property.js'

const on: readonly Kind[] = ['principal']
const both: readonly Kind[] = ['principal', 'proxy']
// Vivaldi and iOS ask for the home at the address the user typed
const entrances: readonly Kind[] = ['principal', 'root', 'principals', 'calendars', 'home']

/** RFC 3744 4, RFC 4791 6.2.1, RFC 6638 2, Apple's additions */
export const principal: readonly PropertyRow[] = [
  { name: dav('principal-URL'), on: both, read: resource => hrefElement(ownHref(resource)) },
  { name: dav('alternate-URI-set'), on: both, read: ({ owner, access }) => access === undefined ? owner?.emails.map(email => hrefElement(`mailto:${email}`)).join('') : '' },
  { name: dav('group-member-set'), on: both, settable: 'always', change: changeMembers, read: (resource, { site }) => principals(membersIn(resource, site.directory)) },
  { name: dav('group-membership'), on: both, read: groupMembership },
  { name: cs('expanded-group-member-set'), on: both, read: (resource, { site }) => principals(allMembersIn(resource, site.directory)) },
  { name: cs('expanded-group-membership'), on: both, read: allGroupMembership },
  { name: caldav('calendar-home-set'), on: entrances, read: calendarHomeSet },
  { name: caldav('calendar-user-address-set'), on, read: ({ owner }) => owner === undefined ? undefined : addresses(owner).map(hrefElement).join('') },
  { name: caldav('calendar-user-type'), on, read: ({ owner }) => owner === undefined ? undefined : userTypes[owner.type] },
  { name: caldav('schedule-inbox-URL'), on, read: ({ owner }) => box(owner, 'inbox') },
  { name: caldav('schedule-outbox-URL'), on, read: ({ owner }) => box(owner, 'outbox') },
  { name: cs('email-address-set'), on, read: ({ owner }) => owner?.emails.map(email => `<CS:email-address>${escapeText(email)}</CS:email-address>`).join('') },
  { name: cs('first-name'), on, read: ({ owner }) => owner?.firstName === undefined ? undefined : escapeText(owner.firstName) },
  { name: cs('last-name'), on, read: ({ owner }) => owner?.lastName === undefined ? undefined : escapeText(owner.lastName) },
  { name: cs('calendar-proxy-read-for'), on, read: ({ owner }, { site }) => owner === undefined ? undefined : principals(site.directory.delegatorsOf(owner, 'read')) },
  { name: cs('calendar-proxy-write-for'), on, read: ({ owner }, { site }) => owner === undefined ? undefined : principals(site.directory.delegatorsOf(owner, 'write')) },
  { name: cs('auto-schedule'), on, read: ({ owner }) => owner === undefined ? undefined : String(owner.autoSchedule !== 'none') },
  { name: cs('auto-schedule-mode'), on, read: ({ owner }) => owner?.autoSchedule },
  { name: cs('record-type'), on: both, read: ({ owner, access }) => access === undefined ? owner?.type : `${access}-delegate-group` }
]

/** CALDAV:calendar-user-type takes the words of CUTYPE (RFC 6638 2.4.2). */
export const userTypes: Readonly<Record<RecordType, string>> = { users: 'INDIVIDUAL', groups: 'GROUP', locations: 'ROOM', resources: 'RESOURCE' }

function ownHref ({ owner, access }: Resource): string {
  if (owner === undefined) return '/'
  return namedHref({ record: owner, half: access })
}

function principals (records: readonly DirectoryRecord[]): string {
  return records.map(record => hrefElement(principalHref(record))).join('')
}

function membersIn ({ owner, access }: Resource, directory: Directory): DirectoryRecord[] {
  const guids = access === 'read' ? owner?.readProxies : access === 'write' ? owner?.writeProxies : owner?.members
  return (guids ?? []).flatMap(guid => directory.byGuid(guid) ?? [])
}

function allMembersIn (resource: Resource, directory: Directory): DirectoryRecord[] {
  const direct = membersIn(resource, directory)
  return [...new Set([...direct, ...direct.flatMap(member => directory.membersOf(member))])]
}

// RFC 3744 4.4: the groups it is directly in, proxy groups too (ext-caldav-proxy 5.2); clients go on from there
function groupMembership ({ owner, access }: Resource, { site: { directory } }: Ask): string {
  if (owner === undefined || access !== undefined) return ''
  return principals(directory.directGroupsOf(owner)) + proxyGroups(half => directory.directDelegatorsOf(owner, half))
}

function allGroupMembership ({ owner, access }: Resource, { site: { directory } }: Ask): string {
  if (owner === undefined || access !== undefined) return ''
  return principals(directory.groupsOf(owner)) + proxyGroups(half => directory.delegatorsOf(owner, half))
}

function proxyGroups (delegators: (half: 'read' | 'write') => readonly DirectoryRecord[]): string {
  return (['read', 'write'] as const).flatMap(half => delegators(half).map(record => hrefElement(namedHref({ record, half })))).join('')
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
