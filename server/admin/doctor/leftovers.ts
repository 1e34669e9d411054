import { dirname } from 'node:path'
import { facts, isTemporary, removeTree } from '../../../store/file.js'
import { entries } from '../../../store/scan.js'
import { shown, type Finding } from './finding.js'
import type { Ward } from './ward.js'

/** No write takes as long as this (ms). */
const longest = 24 * 60 * 60 * 1000

/** Unfinished files in a directory that nobody will finish. */
export function * leftovers ({ now, documents }: Ward, directory: string): Generator<Finding> {
  for (const { name } of entries(directory)) {
    const path = `${directory}/${name}`
    const stats = isTemporary(name) || isConfDraft(name) ? facts(path) : undefined
    if (stats === undefined || stats.mtimeMs > now - longest) continue
    const begin = { check: 'leftover', path: shown(path), message: `it was begun on ${new Date(stats.mtimeMs).toISOString().slice(0, 10)} and never finished, as when the machine goes down` } as const
    if (!`${path}/`.startsWith(`${documents}/`)) yield { ...begin, hand: 'remove it; it may hold passwords' }
    else yield {
      ...begin,
      fix: 'takes it away, into the history',
      mend: async store => {
        const { history } = store.writing
        if (history.takeAway(path, 'removed')) return
        if (history.isOn) await history.keepAside(path, path, 'removed', Date.now())
        // what was begun and never acknowledged is nobody's
        removeTree(path)
      }
    }
  }
}

/** `.accounts.toml.4711.0a1b2c3d`: the draft of a small file. */
function isConfDraft (name: string): boolean {
  return /^\..+\.\d+\.[0-9a-f]{8}$/.test(name)
}

/** The directories beside the homes where unfinished files can lie. */
export function besides ({ documents, settings }: Ward): string[] {
  return [...new Set([`${documents}/.drafts`, dirname(settings.accounts.file), dirname(settings.accounts.appPasswords)])]
}
