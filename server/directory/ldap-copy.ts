import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replace } from './small-file.js'
import { isLdapRecord, type LdapRecord, type LdapSettings } from './ldap-record.js'

/** What a directory server said last, for a start when it is down. Without passwords. */
export interface LdapCopy { readonly at: Date, readonly records: readonly LdapRecord[] }

/** The last copy; undefined when there is none, or it was made with other settings, or cannot be read. */
export async function readCopy (file: string, settings: LdapSettings): Promise<LdapCopy | undefined> {
  try {
    const { version, origin, at, records } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    if (version !== 1 || origin !== originOf(settings) || typeof at !== 'string' || !Array.isArray(records) || !records.every(isLdapRecord)) return undefined
    return { at: new Date(at), records }
  } catch {
    return undefined
  }
}

/** Writes the copy, mode 0600. @throws the system's error */
export async function writeCopy (file: string, settings: LdapSettings, { at, records }: LdapCopy): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replace(file, JSON.stringify({ version: 1, origin: originOf(settings), at: at.toISOString(), records }))
}

/** Records of another server, or found in another way, are nobody's here. */
function originOf (settings: LdapSettings): string {
  const { bindPassword, bindPasswordFile, ca, refreshSeconds, timeoutSeconds, entries, ...rest } = settings
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex')
}
