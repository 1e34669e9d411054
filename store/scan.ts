import { readdirSync, type Dirent } from 'node:fs'
import { codeOf, translated } from './error.js'
import { facts as statsOf, isTemporary, removeTree } from './file.js'
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

/** Removes what a crash left behind: drafts that were never renamed into place, last changed before a time (ms since 1970). */
export function removeDrafts (directory: string, before: number): void {
  for (const { name } of entries(directory)) {
    if (!isTemporary(name)) continue
    const path = `${directory}/${name}`
    if ((statsOf(path)?.ctimeMs ?? before) < before) removeTree(path)
  }
}
