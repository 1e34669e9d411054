import { readdirSync, writeFileSync, type Dirent } from 'node:fs'
import { codeOf, translated } from './error.js'
import { facts as statsOf, isTemporary, removeTree, temporary } from './file.js'
import { isIgnored } from './name.js'

/** What is in a directory, hidden names too; nothing when there is none. @throws StoreError */
export function entries (directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw translated(error, `list ${directory}`)
  }
}

/** The names of what is no directory and is not ignored; `undefined` when there is no such directory. @throws StoreError */
export function fileNames (directory: string): Set<string> | undefined {
  try {
    return new Set(readdirSync(directory, { withFileTypes: true }).filter(entry => !entry.isDirectory() && !isIgnored(entry.name)).map(entry => entry.name))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw translated(error, `list ${directory}`)
  }
}

/** The name of a file as its directory lists it, where a file system takes several spellings for one; as asked when there is none. */
export function spelled (directory: string, name: string): string {
  const stats = statsOf(`${directory}/${name}`)
  if (stats === undefined) return name
  const listed = entries(directory).map(entry => entry.name)
  if (listed.includes(name)) return name
  const folded = folding(name)
  return listed.find(other => folding(other) === folded) ?? name
}

function folding (name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase()
}

/** How a file system takes names. */
export interface Naming {
  /** `A` and `a` are one name. */
  readonly foldsCase: boolean
  /** Some characters are in no name, such as `:` on FAT. */
  readonly isNarrow: boolean
}

/** How the file system of a directory takes names, found by trying. @throws StoreError */
export function namingIn (directory: string): Naming {
  const probe = temporary(directory)
  try {
    writeFileSync(probe, '', { flag: 'wx' })
    return { foldsCase: statsOf(`${directory}/${probe.slice(directory.length + 1).toUpperCase()}`) !== undefined, isNarrow: !takes(`${probe}:`) }
  } catch (error) {
    // nothing can be written now, so that no name can replace another
    if (['EROFS', 'ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) return { foldsCase: false, isNarrow: false }
    throw translated(error, `try names in ${directory}`)
  } finally {
    removeTree(probe)
  }
}

function takes (path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx' })
    removeTree(path)
    return true
  } catch {
    return false
  }
}

/** Removes what a crash left behind: drafts that were never renamed into place, last changed before a time (ms since 1970). */
export function removeDrafts (directory: string, before: number): void {
  for (const { name } of entries(directory)) {
    if (!isTemporary(name)) continue
    const path = `${directory}/${name}`
    if ((statsOf(path)?.ctimeMs ?? before) < before) removeTree(path)
  }
}
