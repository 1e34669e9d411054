import { accessSync, chmodSync, closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import type { Settings } from '../../../conf/settings.js'
import { facts } from '../../../store/file.js'
import { asCaller } from '../owner.js'
import { MendError, shown, type Finding } from './finding.js'
import { checks } from './table.js'
import type { Ward } from './ward.js'

type Owner = Ward['owner']

/** Which rights on a file the owner of the documents lacks: 'read', 'write', 'enter'. */
export function lacking (path: string, stats: Stats, owner: Owner): string[] {
  const wanted = [['read', 4, constants.R_OK], ['write', 2, constants.W_OK], ...stats.isDirectory() ? [['enter', 1, constants.X_OK]] as const : []] as const
  return wanted.filter(([, bit, flag]) => !may(path, stats, owner, bit, flag)).map(([word]) => word)
}

// the system knows access lists too, but asked by root it says yes to all
function may (path: string, { uid, gid, mode }: Stats, owner: Owner, bit: number, flag: number): boolean {
  if (owner.uid === 0) return true
  if (process.getuid?.() === owner.uid) {
    try {
      accessSync(path, flag)
      return true
    } catch {
      return false
    }
  }
  return (mode >> (uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0) & bit) !== 0
}

/** Files that lack the same: whose they are, and what the owner of the documents cannot do with them. */
interface Group { readonly paths: string[], readonly lacks: Set<string>, readonly first: Stats }

/** Files of one directory that the owner of the documents cannot use, told as one: they come by the thousand. */
export class Unusable {
  readonly #ward: Ward
  /** By owner. */
  readonly #groups = new Map<number, Group>()

  constructor (ward: Ward) {
    this.#ward = ward
  }

  look (path: string, stats: Stats): void {
    const lacks = lacking(path, stats, this.#ward.owner)
    if (lacks.length === 0) return
    const group = this.#groups.get(stats.uid) ?? { paths: [], lacks: new Set(), first: stats }
    this.#groups.set(stats.uid, group)
    group.paths.push(path)
    for (const one of lacks) group.lacks.add(one)
  }

  /** @param directory  what is told of when there is more than one */
  * findings (directory: string): Generator<Finding> {
    for (const group of this.#groups.values()) yield this.#finding(directory, group)
  }

  #finding (directory: string, { paths, lacks, first }: Group): Finding {
    const { owner } = this.#ward
    const [path = directory] = paths
    const isOther = first.uid !== owner.uid
    const whose = isOther ? `belongs to user ${first.uid}, the documents to ${owner.uid}` : `has the mode ${(first.mode & 0o777).toString(8).padStart(4, '0')}`
    const rest = paths.length === 1 ? '' : `, and ${paths.length - 1} more in this directory are like it`
    // never the owner: whoever owns the documents could lead root to files of others meanwhile
    const canMend = !isOther && [0, owner.uid].includes(process.getuid?.() ?? -1)
    return {
      check: 'access',
      path: paths.length === 1 ? shown(path) : shown(directory),
      message: `${paths.length === 1 ? 'it' : shown(path)} ${whose}: the server cannot ${[...lacks].join(' or ')} it${rest}`,
      ...canMend
        ? { fix: checks.access.fix, mend: () => { for (const one of paths) openTo(one) } }
        : { hand: `as root: chown -R ${owner.uid}:${owner.gid} ${quoted(paths.length === 1 ? path : directory)}` }
    }
  }
}

function quoted (path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

// as the owner of the documents, also when root asks for it
function openTo (path: string): void {
  const stats = facts(path)
  if (stats?.isFile() !== true && stats?.isDirectory() !== true) throw new MendError(`${path} is no regular file: look at it`)
  chmodSync(path, stats.mode & 0o7777 | (stats.isDirectory() ? 0o700 : 0o600))
}

/** Files with passwords or keys that everybody on the machine can read. */
export function * openSecrets (settings: Settings, settingsFile: string | undefined): Generator<Finding> {
  const files = {
    'accounts.file': settings.accounts.file,
    'accounts.appPasswords': settings.accounts.appPasswords,
    'tls.key': settings.tls.key,
    'ldap.bindPasswordFile': settings.ldap.bindPasswordFile,
    // a password for the directory server stands in it
    'ldap.bindPassword': settings.ldap.bindPassword === undefined ? undefined : settingsFile
  }
  const seen = new Set<string>()
  for (const [name, file] of Object.entries(files)) {
    if (file === undefined || seen.has(file)) continue
    seen.add(file)
    const stats = facts(file)
    if (stats?.isFile() !== true || (stats.mode & 0o004) === 0 || !isReachable(dirname(file))) continue
    yield {
      check: 'open-secret',
      path: file,
      message: `everybody on this machine can read it (mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')}), and it holds passwords or keys (${name})`,
      fix: checks['open-secret'].fix,
      mend: () => { asCaller(() => { close(file, stats) }) }
    }
  }
}

// as root: whoever owns the directory may have put a link to something else there since
function close (file: string, seen: Stats): void {
  const opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(opened)
    if (stats.ino === seen.ino && stats.dev === seen.dev) fchmodSync(opened, stats.mode & 0o7770)
  } finally {
    closeSync(opened)
  }
}

function isReachable (directory: string): boolean {
  if (((facts(directory)?.mode ?? 0) & 0o001) === 0) return false
  return dirname(directory) === directory || isReachable(dirname(directory))
}
