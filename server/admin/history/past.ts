import { statSync, type Stats } from 'node:fs'
import { isIgnored } from '../../../store/name.js'
import { entries } from '../../../store/scan.js'
import { versions, versionsBelow } from '../../../store/history/list.js'
import type { Version } from '../../../store/history/version.js'

/** A former state; also of what went with the collection that held it. */
export interface Past extends Version {
  /** The collection that ended and took this with it, below the documents. */
  readonly within?: string
}

/**
 * The former states of one path, latest first, those too that lie in collections that were deleted as a whole.
 * @param path  below the documents
 * @throws StoreError when the history cannot be read
 */
export function pastOf (history: string, path: string): Past[] {
  const names = path.split('/')
  const around = names.slice(0, -1).flatMap((_, depth) => within(history, names.slice(0, depth + 1).join('/'), path))
  return [...versions(history, path), ...around].sort((a, b) => b.at - a.at)
}

function within (history: string, above: string, path: string): Past[] {
  return versions(history, above).filter(({ isCollection }) => isCollection).flatMap(({ at, end, file }) => {
    const place = `${file}${path.slice(above.length)}`
    const stats = factsOf(place)
    return stats === undefined ? [] : [{ path, at, end, file: place, isCollection: stats.isDirectory(), within: above }]
  })
}

/**
 * The former states of everything in a collection, by path below the documents, latest first; without the collection itself. What editors
 * and the server keep for themselves is left out.
 */
export function pastBelow (history: string, path: string): Map<string, Past[]> {
  const trees = pastOf(history, path).filter(({ isCollection }) => isCollection)
  const own = versionsBelow(history, path).filter(version => version.path !== path)
  const inner = [...trees, ...own.filter(({ isCollection }) => isCollection)].flatMap(tree => [...inTree(tree)])
  const all = new Map<string, Past[]>()
  for (const past of [...own, ...inner].sort((a, b) => b.at - a.at)) {
    if (isIgnored(past.path.slice(past.path.lastIndexOf('/') + 1))) continue
    const known = all.get(past.path)
    if (known === undefined) all.set(past.path, [past])
    else known.push(past)
  }
  return all
}

/** What was in a collection when it ended, and below it. */
export function * inTree (tree: Past): Generator<Past> {
  for (const entry of entries(tree.file)) {
    if (isIgnored(entry.name) || !(entry.isFile() || entry.isDirectory())) continue
    const inner: Past = { path: `${tree.path}/${entry.name}`, at: tree.at, end: tree.end, file: `${tree.file}/${entry.name}`, isCollection: entry.isDirectory(), within: tree.within ?? tree.path }
    yield inner
    if (inner.isCollection) yield * inTree(inner)
  }
}

/** From when until when something was there, in ms; `past` is `undefined` for what is there now. It was there at a moment when `from` < moment ≤ `until`. */
export interface Life {
  /** -Infinity = longer than anybody knows. */
  readonly from: number
  readonly until: number
  readonly past: Past | undefined
  /** It had a predecessor, whose end bounds `from`. */
  readonly isSuccessor: boolean
  /** When its bytes were written, as the file says. */
  readonly modified: number
}

/** The clocks of file systems tick so far apart (ms). */
const tick = 10

/**
 * The lives of one path, latest first: the one there is now, and the former ones.
 * @param pasts  latest first
 * @param file   what is there now, absolute
 */
export function livesOf (pasts: readonly Past[], file: string): Life[] {
  const now = factsOf(file)
  const states = [...now === undefined ? [] : [{ past: undefined, stats: now, until: Infinity }], ...pasts.map(past => ({ past, stats: factsOf(past.file), until: past.at }))]
  return states.map(({ past, stats, until }, row) => {
    const before = states[row + 1]?.past
    const hasReplaced = before?.end === 'replaced' || before?.end === 'edited'
    const from = hasReplaced ? before.at : Math.max(before?.at ?? -Infinity, bornAt(stats, past))
    return { from, until, past, isSuccessor: before !== undefined, modified: stats?.mtimeMs ?? 0 }
  })
}

// what was kept by copying says nothing of the original but, perhaps, its mtime
function bornAt (stats: Stats | undefined, past: Past | undefined): number {
  if (stats === undefined) return -Infinity
  const born = (stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.mtimeMs) + tick
  if (past === undefined || born < past.at) return born
  if (stats.mtimeMs + tick < past.at) return stats.mtimeMs
  return past.end === 'edited' || past.end === 'removed' ? -Infinity : past.at - tick
}

/**
 * The life at a moment; `undefined` when there was none.
 * @param newerThan  when the directory around was made: in a tree that was copied as a whole the files are as new as that, and older than they seem
 */
export function lifeAt (lives: readonly Life[], at: number, newerThan = -Infinity): Life | undefined {
  return lives.find(life => at <= life.until && at > (!life.isSuccessor && newerThan > at ? Math.min(life.from, life.modified) : life.from))
}

/** The facts of a file or directory; `undefined` when it is not there. */
export function factsOf (file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false })
}
