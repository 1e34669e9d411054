import type { Kind } from '../site/kind.js'
import { acl } from './acl.js'
import { copy } from './copy.js'
import { deleteMethod } from './delete.js'
import { get } from './get.js'
import { lock } from './lock.js'
import type { Method } from './method.js'
import { mkcalendar } from './mkcalendar.js'
import { mkcol } from './mkcol.js'
import { move } from './move.js'
import { post } from './post.js'
import { propfind } from './propfind.js'
import { proppatch } from './proppatch.js'
import { put } from './put.js'
import { report } from './report.js'
import { unlock } from './unlock.js'

/** Every method that is answered, but for OPTIONS. */
export const methods: ReadonlyMap<string, Method> = new Map([
  get, { ...get, name: 'HEAD' }, put, post, deleteMethod, mkcol, mkcalendar, copy, move, propfind, proppatch, report, acl, lock, unlock
].map(method => [method.name, method]))

/** The value of Allow for a kind (RFC 9110 10.2.1). */
export function allow (kind: Kind): string {
  return ['OPTIONS', ...[...methods.values()].filter(method => method.on.includes(kind)).map(({ name }) => name)].join(', ')
}
