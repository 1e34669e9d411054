import { createHash } from 'node:crypto'

/**
 * The GUID Apple's server derives for an account without one: it names the home on disk.
 * @param realm of the accounts file
 * @param type plural, `users`
 * @param names short names, the primary one first
 */
export function derivedGuid (realm: string, type: string, names: readonly string[]): string {
  return uuid5(uuid5(xmlAccounts, realm), `${type}:${names.join(',')}`)
}

/** Base of the XML directory service. */
const xmlAccounts = '9CA8DEC5-5A17-43A9-84A8-BE77C1FB9172'

/** RFC 9562 5.5, in lower case. */
function uuid5 (namespace: string, name: string): string {
  const hash = createHash('sha1').update(Buffer.from(namespace.replaceAll('-', ''), 'hex')).update(name, 'utf8').digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
