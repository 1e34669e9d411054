import { facts } from '../../store/file.js'
import { fileNames } from '../../store/scan.js'
import { recordTypes } from '../directory/record.js'
import { publicTree } from '../site/provision.js'
import { limitOf } from '../site/quota.js'
import type { Rules } from '../site/site.js'
import { AdminError, nameOf, place, type Place } from './place.js'

/** What a home holds. */
export interface Usage { readonly name: string, readonly files: number, readonly bytes: number, readonly limit: number | undefined }

/** What the homes hold that there are, counted on the disk: of one account or 'public', or of all. Fullest first. @throws AdminError, StoreError */
export function usage (rules: Rules, name: string | undefined): Usage[] {
  if (name !== undefined) return [usageOf(rules, place(rules, name))]
  const names = [...recordTypes.flatMap(type => rules.directory.all(type)).map(({ type, name }) => `${type}/${name}`), publicTree]
  return names.flatMap(one => {
    const home = homeIfThere(rules, one)
    return home === undefined ? [] : [usageOf(rules, home)]
  }).sort((a, b) => b.bytes - a.bytes)
}

function homeIfThere (rules: Rules, name: string): Place | undefined {
  try {
    return place(rules, name)
  } catch (error) {
    if (error instanceof AdminError) return undefined
    throw error
  }
}

function usageOf (rules: Rules, { home, owner }: Place): Usage {
  let [files, bytes] = [0, 0]
  const count = (path: string): void => {
    const directory = path === '' ? home.directory : `${home.directory}/${path}`
    for (const name of fileNames(directory) ?? []) {
      const stats = facts(`${directory}/${name}`)
      if (stats?.isFile() !== true) continue
      files++
      bytes += stats.size
    }
    for (const child of home.children(path)) count(child.path)
  }
  count('')
  return { name: owner === undefined ? publicTree : nameOf(owner), files, bytes, limit: limitOf(rules, owner) }
}
