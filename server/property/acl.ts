import { privileges } from '../acl/check.js'
import { all, type Privilege } from '../acl/privilege.js'
import { principalHref } from '../site/resource.js'
import { dav, type Name } from '../xml/name.js'
import { escapeText, fragment } from '../xml/write.js'
import { hrefElement } from './href.js'
import { directories, everyKind, files, type PropertyRow } from './property.js'

const empty = (name: Name): string => fragment({ name, attributes: {}, children: [] })

/** RFC 3744 5, RFC 5397 */
export const acl: readonly PropertyRow[] = [
  { name: dav('owner'), on: [...directories, ...files, 'principal', 'proxy'], read: ({ owner }) => owner === undefined ? undefined : hrefElement(principalHref(owner)) },
  { name: dav('current-user-principal'), on: everyKind, read: (_, { user }) => hrefElement(principalHref(user)) },
  { name: dav('current-user-privilege-set'), on: everyKind, read: (resource, { user }) => privilegeSet(privileges(user, resource)) },
  { name: dav('supported-privilege-set'), on: everyKind, read: () => supportedPrivilege(all) },
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
