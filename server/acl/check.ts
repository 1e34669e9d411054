import type { DirectoryRecord } from '../directory/record.js'
import { failed, type DavError } from '../dav/error.js'
import { hrefOf, type Resource } from '../site/resource.js'
import { element } from '../xml/element.js'
import { caldav, dav, type Name } from '../xml/name.js'
import { all, expanded } from './privilege.js'

const everything: readonly Name[] = expanded(all)
const reading: readonly Name[] = [dav('read'), caldav('read-free-busy'), dav('read-current-user-privilege-set')]
const nothing: readonly Name[] = []

/** What a user may do with a resource: the owner of a home everything, others nothing; what nobody owns, and principals, may be read. */
export function privileges (user: DirectoryRecord, { kind, owner }: Resource): readonly Name[] {
  if (kind === 'principal' || kind === 'proxy' || owner === undefined) return reading
  return owner.guid === user.guid ? everything : nothing
}

/** Whether a user has a privilege on a resource. */
export function allowed (user: DirectoryRecord, resource: Resource, privilege: Name): boolean {
  return privileges(user, resource).includes(privilege)
}

/** RFC 3744 7.1.1: the refusal that names resource and privilege; DAVx5 undoes a local change only when it sees this element. */
export function refusal (resource: Resource, privilege: Name): DavError {
  return failed('need-privileges', `${hrefOf(resource)} needs ${privilege}`,
    element(dav('resource'), element(dav('href'), hrefOf(resource)), element(dav('privilege'), element(privilege))))
}

/**
 * Stops whoever may do nothing at all with a resource, in the same words whether it is there or not, and whatever it is.
 * @throws DavError 403 need-privileges
 */
export function demandSight (user: DirectoryRecord, resource: Resource): void {
  if (privileges(user, resource).length === 0) throw refusal({ ...resource, kind: 'unmapped' }, dav('read'))
}

/** @throws DavError 403 need-privileges */
export function demand (user: DirectoryRecord, resource: Resource, privilege: Name): void {
  if (!allowed(user, resource, privilege)) throw refusal(resource, privilege)
}
