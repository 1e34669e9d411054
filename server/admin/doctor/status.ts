import type { Settings } from '../../../conf/settings.js'
import { facts } from '../../../store/file.js'
import { isEmpty } from '../../../store/rollback.js'
import { totals, troubles } from '../../../store/index/examine.js'
import { peekIndex, type Index } from '../../../store/index/open.js'
import { servedBy } from '../../../store/lock.js'
import { holdsObjects } from '../../site/resource.js'
import { addressIn } from './address.js'
import { lineOf } from './body.js'
import { isHeld } from './files.js'
import { indexedHomes, indexFile } from './indexes.js'
import { weigh } from './kept.js'
import { roomAt } from './space.js'

/** A file that is not served as it is. */
export interface Unserved {
  /** Absolute. */
  readonly path: string
  readonly line?: number | undefined
  readonly message: string
  /** A former version is served instead. */
  readonly lastGood: boolean
}

/** A directory with what it takes, in bytes. */
export interface Part {
  readonly path: string
  readonly bytes: number
  /** There is more: there was no time to count all. */
  readonly isPart: boolean
  /** On its file system; `undefined` when it does not say. */
  readonly free: number | undefined
}

/** Everything on one screen. */
export interface Status {
  readonly server: { readonly running: boolean, readonly pid?: number, readonly since?: string, readonly urls: readonly string[] }
  /** Why nothing is served: the documents are not there. */
  readonly problem?: string | undefined
  readonly documents: Part
  readonly state: Part
  readonly history: Part
  readonly homes: number
  readonly calendars: number
  /** Events, tasks and journal entries. */
  readonly objects: Readonly<Record<string, number>>
  /** Files that are not served as they are, held ones left out. */
  readonly unserved: readonly Unserved[]
  readonly held: readonly Unserved[]
  /** Homes, below the documents, with the epoch of their sync tokens and when their index was made; latest first. */
  readonly epochs: readonly { readonly home: string, readonly epoch: string, readonly since: string }[]
  /** Homes of which nothing is known: their index is of another version or cannot be read. */
  readonly unknown: readonly string[]
}

/** How long the files of the history are counted (ms). */
const patience = 1000

/** What the indexes say, and the directories' sizes; no file of anybody is read. @throws StoreError */
export function statusOf ({ data, history, server }: Settings): Status {
  const state = `${data.directory}/state`
  const pid = servedBy(state)
  const counted = { calendars: 0, bytes: 0, objects: new Map<string, number>(), unserved: [] as Unserved[], held: [] as Unserved[], epochs: [] as Status['epochs'][number][], unknown: [] as string[], homes: 0 }
  for (const home of indexedHomes(`${state}/index`, [])) {
    const directory = `${data.documents}/${home}`
    if (facts(directory)?.isDirectory() !== true) continue
    counted.homes++
    const index = indexOf(indexFile({ state }, home))
    if (index === undefined) {
      counted.unknown.push(home)
      continue
    }
    try {
      const { collections, components, bytes } = totals(index)
      counted.bytes += bytes
      counted.calendars += collections.filter(({ path, properties }) => holdsObjects(path, resourcetypeIn(properties))).length
      for (const [component, count] of components) if (component !== '') counted.objects.set(component, (counted.objects.get(component) ?? 0) + count)
      for (const { path, problem, isServed } of troubles(index)) {
        (isHeld({ problem }) ? counted.held : counted.unserved).push({ path: `${directory}/${path}`, ...lineOf(problem), lastGood: isServed })
      }
      counted.epochs.push({ home, epoch: index.epoch, since: new Date(facts(indexFile({ state }, home))?.birthtimeMs ?? 0).toISOString() })
    } finally {
      index.close()
    }
  }
  const isGone = counted.unknown.length + counted.homes === 0 && indexedHomes(`${state}/index`, []).length > 0 && isEmpty(data.documents)
  const since = pid === undefined ? undefined : facts(`${state}/lock`)?.mtime.toISOString()
  return {
    server: { running: pid !== undefined, ...pid === undefined ? {} : { pid }, ...since === undefined ? {} : { since }, urls: pid === undefined ? [] : [...server.baseUrl === undefined ? [] : [`${server.baseUrl}/`], ...addressIn(state)] },
    ...isGone ? { problem: `${data.documents} is empty or not there, and held calendars before: is its disk not mounted? Until it is there, nothing is served and nothing is taken for deleted` } : {},
    documents: { path: data.documents, bytes: counted.bytes, isPart: counted.unknown.length > 0, free: roomAt(data.documents)?.freeBytes },
    state: partAt(state),
    history: partAt(history.directory),
    homes: counted.homes,
    calendars: counted.calendars,
    objects: Object.fromEntries(counted.objects),
    unserved: counted.unserved,
    held: counted.held,
    epochs: counted.epochs.sort((a, b) => a.since < b.since ? 1 : -1).slice(0, 5),
    unknown: counted.unknown
  }
}

function indexOf (file: string): Index | undefined {
  try {
    return peekIndex(file)
  } catch {
    // doctor says why
    return undefined
  }
}

function resourcetypeIn (properties: string): string | undefined {
  return properties === '' ? undefined : new Map(JSON.parse(properties) as [string, string][]).get('{DAV:}resourcetype')
}

function partAt (path: string): Part {
  const { bytes, isPart } = weigh(path, performance.now() + patience)
  return { path, bytes, isPart, free: roomAt(path)?.freeBytes }
}
