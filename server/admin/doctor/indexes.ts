import { renameSync } from 'node:fs'
import { StoreError } from '../../../store/error.js'
import { facts } from '../../../store/file.js'
import { idOf } from '../../../store/index/collection.js'
import { miscounts, recount, totals, troubles, unsound } from '../../../store/index/examine.js'
import { isDamage, peekIndex, removeIndex, type Index } from '../../../store/index/open.js'
import { isEmpty, unmounted } from '../../../store/rollback.js'
import { entries } from '../../../store/scan.js'
import type { Store } from '../../../store/store.js'
import { isHeld } from './files.js'
import type { DiskHome } from './disk.js'
import { shown, type Finding } from './finding.js'
import { opened } from './mend.js'
import { checks } from './table.js'
import type { Ward } from './ward.js'

/** The index file of a home. @param path  below the documents */
export function indexFile ({ state }: Pick<Ward, 'state'>, path: string): string {
  return `${state}/index/${path}.sqlite`
}

/** Opens the index of a home to read from; `undefined` when there is none or it cannot be used, which may be a finding. */
export function openToRead (ward: Ward, path: string): { index?: Index, finding?: Finding } {
  const file = indexFile(ward, path)
  const damaged = (message: string): { finding: Finding } => ({
    finding: {
      check: 'index-damaged',
      path: shown(file),
      message,
      ...ward.server === undefined
        ? { fix: `${checks['index-damaged'].fix}: clients synchronise from the start once; the damaged one is kept as ${shown(file)}.damaged`, mend: store => { madeAnew(store, path, file) } }
        : { hand: 'restart the server: it makes the index anew from the files' }
    }
  })
  try {
    const index = peekIndex(file)
    if (index === undefined) return {}
    const problem = unsound(index)
    if (problem === undefined) return { index }
    index.close()
    return damaged(problem)
  } catch (error) {
    if (isDamage(error)) return damaged(error instanceof Error ? error.message : String(error))
    if (!(error instanceof StoreError) && !(error instanceof Error && error.name === 'SqliteError')) throw error
    return { finding: { check: 'index-damaged', path: shown(file), message: error.message, hand: 'look at its owner and rights; it may be removed while the server is stopped' } }
  }
}

function madeAnew (store: Store, path: string, file: string): void {
  const home = store.home(path.split('/'))
  home?.close()
  renameSync(file, `${file}.damaged`)
  removeIndex(file)
  home?.list()
}

/** What the index of a home says of its collections and of members that are held. */
export function * indexed (home: DiskHome, isWanted: (path: string) => boolean): Generator<Finding> {
  const { index } = home
  if (index === undefined) return
  for (const { path, members, counted } of miscounts(index).filter(({ path }) => isWanted(path))) {
    yield {
      check: 'index-collection',
      path: shown(path === '' ? home.directory : `${home.directory}/${path}`),
      message: members === counted ? 'the index is wrong about how many bytes are in it, which quotas go by' : `the index says that ${members} files are in it, and has ${counted}`,
      fix: checks['index-collection'].fix,
      mend: async store => {
        const { home: live } = await opened(store, { home, path, directory: home.directory })
        recount(live.index, idOf(path))
      }
    }
  }
  for (const { path, problem } of troubles(index)) {
    if (isHeld({ problem }) && isWanted(path)) yield { check: 'held-file', path: shown(`${home.directory}/${path}`), message: problem, hand: 'caldavd restore --merge brings it back; caldavd restore --accept takes the older state' }
  }
}

/** Documents or homes that are gone, or empty, and were full: a disk that is not mounted looks like that. */
export function * missing (ward: Ward, homes: readonly DiskHome[]): Generator<Finding> {
  const known = indexedHomes(`${ward.state}/index`, [])
  if (known.length > 0 && (facts(ward.documents)?.isDirectory() !== true || isEmpty(ward.documents))) {
    yield { check: 'documents', path: ward.documents, message: `it is ${facts(ward.documents) === undefined ? 'not there' : 'empty'}, and held ${known.length} ${known.length === 1 ? 'home' : 'homes'} before`, hand: `mount its disk, or restore it; when it is meant to be empty, remove ${ward.state}/index` }
    return
  }
  const there = new Set(homes.map(({ path }) => path))
  for (const path of known) {
    const directory = `${ward.documents}/${path}`
    const { index } = openToRead(ward, path)
    if (index === undefined) continue
    try {
      const { collections, files, mount } = totals(index)
      const problem = unmounted(directory, collections.find(one => one.path === '')?.stamp ?? '', mount)
      if (problem !== undefined) yield { check: 'documents', path: shown(directory), message: problem, hand: 'mount its disk, or remove its index when it is meant to be empty' }
      else if (!there.has(path) && files > 0) yield { check: 'documents', path: shown(directory), message: `it is not there, and had ${files} files: they count as deleted ${ward.server === undefined ? 'as soon as the server starts' : ''}`.trim(), hand: 'put it back when that is not meant; caldavd trash lists what was deleted' }
    } finally {
      index.close()
    }
  }
}

/** The homes that have an index, below the documents. */
export function indexedHomes (directory: string, above: readonly string[]): string[] {
  return entries(directory).flatMap(entry => entry.isDirectory()
    ? indexedHomes(`${directory}/${entry.name}`, [...above, entry.name])
    : entry.name.endsWith('.sqlite') ? [[...above, entry.name.slice(0, -'.sqlite'.length)].join('/')] : [])
}
