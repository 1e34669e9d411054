import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../conf/settings.js'
import { DavError } from '../dav/error.js'
import type { Directory } from '../directory/directory.js'
import type { Identity } from '../directory/identity.js'
import type { Login, LoginContext } from '../directory/login.js'
import type { DirectoryRecord } from '../directory/record.js'
import type { Sudoers } from '../directory/sudoers.js'
import { isAmong, isLoopback } from './addresses.js'
import type { Arrival } from './arrival.js'

/** What tells who asks. */
export interface Doorkeeper {
  readonly settings: Settings
  readonly directory: Directory
  readonly login: Login
  readonly sudoers: Sudoers
}

/** A request as the login sees it. @param rawUrl  as it came over the wire */
export function contextOf ({ method = '', headers }: IncomingMessage, rawUrl: string, { address, isSecure, prefix }: Arrival, { proxies }: Settings['server']): LoginContext {
  const isLocal = isLoopback(address)
  // everybody is behind a proxy that does not tell
  const client = !isLocal && isAmong(proxies, address) ? '' : address
  return { address: client, method, url: digestUrl(headers.authorization, rawUrl, prefix), secure: isSecure, local: isLocal }
}

/** RFC 7616 3.4.6: what the client signed is the target it sent, from which a proxy may have cut the prefix. */
function digestUrl (authorization: string | undefined, url: string, prefix: string): string {
  return prefix !== '' && authorization?.includes(`uri="${prefix}${url}"`) === true ? prefix + url : url
}

/**
 * Who asks: whom a trusted proxy has let in, as whom an administrator acts, or who logs in; undefined is nobody.
 * The header of the proxy is removed, whoever sent it.
 * @throws DavError 400 for two Authorization headers or a sudoer without X-Authorize-As, 401 for wrong credentials, 403 for an
 *   X-Authorize-As or a user of the proxy that is not to be, and what `Login.identify` throws
 */
export async function visitor (door: Doorkeeper, request: IncomingMessage, arrival: Arrival, context: LoginContext): Promise<Identity | undefined> {
  const { headers } = request
  const passed = byProxy(door, request, arrival)
  const actsAs = headers['x-authorize-as']
  const target = Array.isArray(actsAs) ? actsAs.join(', ') : actsAs
  if (passed !== undefined) return target === undefined ? { record: passed } : refuse(`${passed.name} is no sudoer and sent X-Authorize-As`)
  const { authorization } = headers
  const remembered = target === undefined ? door.login.remembered(authorization, context) : undefined
  if (remembered !== undefined) return remembered
  const sudoer = door.login.takesBasic(context) ? door.sudoers.verify(authorization, context.address) : undefined
  if (sudoer !== undefined) return sudo(door, sudoer, target)
  const identity = authorization === undefined ? undefined : await door.login.identify(authorization, context)
  if (target !== undefined && identity !== undefined) refuse(`${identity.record.name} is no sudoer and sent X-Authorize-As`)
  if (identity === undefined && (authorization !== undefined || target !== undefined)) throw new DavError(401, 'log in with name and password')
  return identity
}

/** Whom a proxy of `authentication.proxyAddresses` has let in. */
function byProxy ({ settings, directory }: Doorkeeper, { headers }: IncomingMessage, { peer }: Arrival): DirectoryRecord | undefined {
  const { proxyHeader, proxyAddresses } = settings.authentication
  if (proxyHeader === undefined) return undefined
  const key = proxyHeader.toLowerCase()
  const sent = headers[key]
  delete headers[key]
  if (sent === undefined || sent === '' || !isAmong(proxyAddresses, peer)) return undefined
  // node:http hands bytes above 0x7f over as Latin-1
  const name = Buffer.from(Array.isArray(sent) ? sent.join(', ') : sent, 'latin1').toString()
  return directory.byLogin(name) ?? refuse(`${proxyHeader} of ${peer} names nobody in the accounts`)
}

/** As Apple's server: `X-Authorize-As: name`, of a user or a group. */
function sudo ({ directory, sudoers }: Doorkeeper, sudoer: string, target: string | undefined): Identity {
  if (target === undefined || target.trim() === '') throw new DavError(400, `${sudoer} is a sudoer: X-Authorize-As has to name the user to act as`)
  const name = target.trim()
  const record = sudoers.has(name) ? undefined : directory.byName('users', name) ?? directory.byName('groups', name)
  return record === undefined ? refuse(`X-Authorize-As of ${sudoer} names nobody who can be acted as`) : { record, sudoer }
}

function refuse (why: string): never {
  throw new DavError(403, why)
}
