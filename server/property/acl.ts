import { aceElement } from '../acl/ace.js'
import { aclOf } from '../acl/acl.js'
import { privileges } from '../acl/check.js'
import { treeOf, type Privilege } from '../acl/privilege.js'
import { principalHref } from '../site/resource.js'
import { dav, type Name } from '../xml/name.js'
import { escapeText, fragment } from '../xml/write.js'
import { hrefElement } from './href.js'
import { directories, everyKind, files, type PropertyRow } from './property.js'

const empty = (name: Name): string => fragment({ name, attributes: {}, children: [] })

/** RFC 3744 5, RFC 5397 */
export const acl: readonly PropertyRow[] = [
  { name: dav('owner'), on: [...directories, ...files, 'principal', 'proxy'], read: ({ owner }) => owner === undefined ? undefined : hrefElement(principalHref(owner)) },
  // RFC 3744 5.2: empty where there is no such thing
  { name: dav('group'), on: [...directories, ...files, 'principal', 'proxy'], read: () => '' },
  { name: dav('current-user-principal'), on: everyKind, read: (_, { user }) => user.record === undefined ? '<D:unauthenticated/>' : hrefElement(principalHref(user.record)) },
  { name: dav('current-user-privilege-set'), on: everyKind, privilege: dav('read-current-user-privilege-set'), read: (resource, { user }) => privilegeSet(privileges(user, resource)) },
  { name: dav('supported-privilege-set'), on: everyKind, read: ({ kind }) => supportedPrivilege(treeOf(kind)) },
  { name: dav('acl'), on: everyKind, privilege: dav('read-acl'), read: (resource, { site }) => aclOf(site, resource).map(each => fragment(aceElement(each, false))).join('') },
  // any ACE may be set, in the order: grants, then denials
  { name: dav('acl-restrictions'), on: everyKind, read: () => '' },
  // RFC 3744 5.7 speaks of other ACLs that have to grant the same; here ACEs are inherited (5.5.4) and stand in DAV:acl
  { name: dav('inherited-acl-set'), on: everyKind, read: () => '' },
  { name: dav('principal-collection-set'), on: everyKind, read: () => hrefElement('/principals/') }
]

const sets = new Map<readonly Name[], string>()

function privilegeSet (names: readonly Name[]): string {
  let text = sets.get(names)
  if (text === undefined) sets.set(names, text = names.map(name => `<D:privilege>${empty(name)}</D:privilege>`).join(''))
  return text
}

function supportedPrivilege ({ name, meaning, parts }: Privilege): string {
  return `<D:supported-privilege><D:privilege>${empty(name)}</D:privilege>` +
    `<D:description xml:lang="en">${escapeText(meaning)}</D:description>${parts.map(supportedPrivilege).join('')}</D:supported-privilege>`
}
