import { isDict, PlistError, readPlistDict } from './plist.js'

/** Someone who may act for everybody (`X-Authorize-As`). */
export interface Sudoer {
  readonly username: string
  /** Clear text, as in the file. */
  readonly password: string
}

/**
 * The accounts of Apple's sudoers.plist; `authorize-as` and `authorize-from`, which its server never honoured, are skipped.
 * @throws PlistError when it is no property list, or an entry has no name or no password
 */
export function readSudoers (text: string): Sudoer[] {
  const { users = [] } = readPlistDict(text)
  if (!Array.isArray(users)) throw new PlistError('users, expected <array>')
  return users.map((user, i) => {
    const { username, password } = isDict(user) ? user : {}
    if (typeof username !== 'string' || username === '') throw new PlistError(`users, entry ${i + 1}: expected username`)
    if (typeof password !== 'string' || password === '') throw new PlistError(`users, entry ${i + 1} (${username}): expected password`)
    return { username, password }
  })
}
