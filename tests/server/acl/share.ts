import type { Name } from '../../../server/xml/name.js'
import type { Answer, House } from '../../house.js'

/** Namespaces for the bodies of these tests. */
export const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'

/** A DAV:ace that grants or denies: `principal` and each privilege as XML. */
export function ace (principal: string, privileges: readonly string[], form: 'grant' | 'deny' = 'grant', more = ''): string {
  return `<D:ace><D:principal>${principal}</D:principal><D:${form}>${privileges.map(each => `<D:privilege>${each}</D:privilege>`).join('')}</D:${form}>${more}</D:ace>`
}

/** A principal by its name, as XML: `users/bob`. */
export function person (path: string): string {
  return `<D:href>/principals/${path}/</D:href>`
}

/** The element of a privilege with these namespaces. */
export function privilege (name: Name): string {
  return name.startsWith('{DAV:}') ? `<D:${name.slice(6)}/>` : `<C:${name.slice(name.indexOf('}') + 1)}/>`
}

/** The ACL method. */
export async function share (ask: House['ask'], url: string, aces: readonly string[], user = 'alice'): Promise<Answer> {
  return await ask('ACL', url, { user, body: `<D:acl ${ns}>${aces.join('')}</D:acl>`, headers: { 'content-type': 'application/xml' } })
}
