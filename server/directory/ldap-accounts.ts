import { derivedGuid } from './accounts.js'
import { dnKey } from './dn.js'
import type { LdapRecord } from './ldap-record.js'
import { guidKey, nameProblem, type Account, type DirectoryRecord } from './record.js'

/** The guid that a record of LDAP gets here. */
export function guidOf ({ type, name = '', guid }: LdapRecord): string {
  return guid !== undefined && nameProblem(guid.replaceAll(':', '')) === undefined ? guid : derivedGuid(type, name)
}

/**
 * Accounts of the file and of LDAP in one list, with the members of LDAP's groups found in both. Who is in the file is as the file says.
 * @param warn  hears of entries that cannot be accounts, which are left out
 */
export function joinLdap (files: readonly Account[], found: readonly LdapRecord[], warn: (text: string) => void): Account[] {
  // Type and name, without case as in accounts.ts → guid
  const names = new Map(files.flatMap(({ record }) => [record.name, ...record.aliases].map((name): [string, string] => [nameKey(record.type, name), record.guid])))
  const inFile = new Set(names.keys())
  const guids = new Set(files.map(({ record }) => guidKey(record.guid)))
  const byDn = new Map<string, string>()
  const taken: { readonly from: LdapRecord, readonly name: string, readonly guid: string }[] = []
  for (const from of found) {
    const { type, dn, name } = from
    const problem = name === undefined ? 'has no short name' : nameProblem(name)
    if (name === undefined || problem !== undefined) {
      warn(`LDAP: ${dn}: ${name === undefined ? problem : `the name ${JSON.stringify(name)} ${problem}`}; left out`)
      continue
    }
    const key = nameKey(type, name)
    const guid = names.get(key) ?? guidOf(from)
    if (inFile.has(key)) byDn.set(dnKey(dn), guid)
    else if (names.has(key)) warn(`LDAP: ${dn}: the name ${JSON.stringify(name)} belongs to another of the ${type} already; left out`)
    else if (guids.has(guidKey(guid))) warn(`LDAP: ${dn}: the guid ${guid} belongs to another account already; left out`)
    else {
      names.set(key, guid)
      guids.add(guidKey(guid))
      byDn.set(dnKey(dn), guid)
      taken.push({ from, name, guid })
    }
  }
  return [...files, ...taken.map(({ from, name, guid }) => account(from, name, guid, [...new Set([
    ...from.memberDns.flatMap(dn => byDn.get(dnKey(dn)) ?? []),
    ...from.memberNames.flatMap(member => names.get(nameKey('users', member)) ?? [])
  ])]))]
}

function nameKey (type: string, name: string): string {
  return `${type}/${name.normalize('NFC').toLowerCase()}`
}

function account (from: LdapRecord, name: string, guid: string, members: readonly string[]): Account {
  const { type, dn, fullName = name, firstName, lastName, emails } = from
  const isThing = type === 'locations' || type === 'resources'
  const record: DirectoryRecord = {
    type, name, guid, fullName, emails, members,
    ...firstName === undefined ? {} : { firstName },
    ...lastName === undefined ? {} : { lastName },
    aliases: [], addresses: [], writeProxies: [], readProxies: [],
    calendaring: type !== 'groups', autoSchedule: isThing ? 'automatic' : 'none'
  }
  return { record, password: type === 'users' ? `ldap:${dn}` : undefined }
}
