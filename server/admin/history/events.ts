import type { Dirent } from 'node:fs'
import { dirname } from 'node:path'
import { isIgnored } from '../../../store/name.js'
import { entries } from '../../../store/scan.js'
import type { End } from '../../../store/history/version.js'
import type { Site } from '../../site/site.js'
import { glimpse, type Glimpse } from './event.js'
import { factsOf, livesOf, pastBelow, type Life, type Past } from './past.js'
import type { Spot } from './place.js'
import { countEvents } from './undo-calendar.js'

/** A state of a file: the one it has, or a former one. */
export interface State {
  /** In the list, 1 = the latest former one; `undefined` = as it is now. */
  readonly number: number | undefined
  /** When it ended, ms; Infinity = now. */
  readonly until: number
  /** Since when it was so, as far as that is known, ms. */
  readonly from: number | undefined
  readonly end: End | undefined
  /** The collection with which it was deleted, below the documents. */
  readonly within: string | undefined
  readonly bytes: number
  readonly glimpse: Glimpse | undefined
  /** Where it lies, absolute. */
  readonly file: string
}

/** What a file was, latest first. @param most  so many former states */
export function statesOf ({ pasts, file }: Spot, most: number): State[] {
  const lives = livesOf(pasts, file)
  const former = lives.some(({ past }) => past === undefined) ? 1 : 0
  return lives.slice(0, most + former).map(({ from, until, past }, row) => {
    const place = past?.file ?? file
    return {
      number: past === undefined ? undefined : row + 1 - former,
      until,
      from: Number.isFinite(from) ? from : undefined,
      end: past?.end,
      within: past?.within,
      bytes: factsOf(place)?.size ?? 0,
      glimpse: glimpse(place),
      file: place
    }
  })
}

/** Something that happened in a collection, or to it. */
export interface Happening {
  /** In the list, 1 = the latest. */
  readonly number: number
  /** ms; as it was just before is what it was at this moment. */
  readonly at: number
  readonly what: End | 'added'
  /** Below the collection; '' = itself. */
  readonly name: string
  /** Of a collection that came or went: how many files were in it. */
  readonly events: number | undefined
  /** As it was before or, when it was added, as it came. */
  readonly file: string
}

/** What happened in a collection, latest first. What came or went with it as a whole is one happening. */
export function happenings ({ settings, store }: Site, { path, pasts, file }: Spot): Happening[] {
  const found: Omit<Happening, 'number'>[] = []
  const below = pastBelow(settings.history.directory, path)
  for (const one of new Set([path, ...filesIn(file, path), ...below.keys()])) {
    const former = one === path ? pasts : below.get(one) ?? []
    const name = one.slice(path.length + 1)
    const lives = livesOf(former, `${store.documents}/${one}`)
    for (const past of former) if (past.within === undefined || one === path) found.push({ at: past.at, what: past.end, name, file: past.file, events: past.isCollection ? countEvents(past.file) : undefined })
    for (const [row, life] of lives.entries()) {
      if (!isArrival(life, lives[row + 1], life.past?.within === undefined ? dirname(`${store.documents}/${one}`) : treeAround(life.past))) continue
      const place = life.past?.file ?? `${store.documents}/${one}`
      found.push({ at: life.from, what: 'added', name, file: place, events: one === path || life.past?.isCollection === true || factsOf(place)?.isDirectory() === true ? countEvents(place) : undefined })
    }
  }
  return found.sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1)).map((one, row) => ({ number: row + 1, ...one }))
}

function * filesIn (directory: string, path: string): Generator<string> {
  for (const entry of entries(directory).filter(isSeen)) {
    yield `${path}/${entry.name}`
    if (entry.isDirectory()) yield * filesIn(`${directory}/${entry.name}`, `${path}/${entry.name}`)
  }
}

function isSeen (entry: Dirent): boolean {
  return !isIgnored(entry.name) && (entry.isFile() || entry.isDirectory())
}

// what came together with its directory, in a copy or a calendar that was brought back, is no news
function isArrival (life: Life, before: Life | undefined, around: string): boolean {
  if (!Number.isFinite(life.from) || before?.past?.end === 'replaced' || before?.past?.end === 'edited') return false
  // times are kept to the millisecond
  return before === undefined ? life.modified >= (factsOf(around)?.birthtimeMs ?? 0) - 1000 : Math.abs(life.modified - before.modified) > 2
}

function treeAround ({ file, path, within = '' }: Past): string {
  return file.slice(0, file.length - (path.length - within.length))
}
