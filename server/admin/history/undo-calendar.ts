import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeDirectories } from '../../../store/file.js'
import { bringBack } from '../../../store/history/bring.js'
import { copyOne } from '../../../store/history/copy.js'
import { StoreError } from '../../../store/error.js'
import type { Collection, Home } from '../../../store/home.js'
import { isIgnored } from '../../../store/name.js'
import { entries } from '../../../store/scan.js'
import { describe } from '../../ical/facts.js'
import type { Site } from '../../site/site.js'
import { AdminError, titleOf } from '../place.js'
import { momentText } from './moment.js'
import { factsOf, inTree, lifeAt, livesOf, pastBelow, type Life, type Past } from './past.js'
import { typedPath, type Spot } from './place.js'
import { bytesOf, doStep, elsewhere, obstacle, stepTo, type Step } from './step.js'
import { demandReach, type Undone } from './undo-file.js'

/** A collection that was brought back as a whole. */
export interface Brought {
  /** As it is typed. */
  readonly path: string
  readonly title: string | undefined
  readonly events: number
}

/**
 * Makes what is in a calendar what it was at a time: changed back, brought back, removed. One file after the other; what was there goes to the history,
 * and done again after an interruption it goes on where it was. Names, colours and sharing of the calendar stay as they are.
 * @param at  ms
 * @throws AdminError for what is no calendar, or was not there at the time; StoreError
 */
export async function undoInside (site: Site, spot: Spot, at: number, isDry: boolean, tell: (done: number, of: number) => void = () => {}): Promise<Undone> {
  const { home, rest, path } = spot
  const collection = home?.collection(rest)
  if (home === undefined || collection?.holdsObjects !== true) throw new AdminError(`${typedPath(path)} is no calendar: undo the calendars in it one by one`)
  const states = statesAt(site, spot, at)
  if (![...states.values()].some(state => state.life !== undefined)) {
    demandReach(site, at)
    demandThere(spot, at)
  }
  const all = stepsOf(home, collection, [...states.values()])
  const stays = new Set(all.filter(step => step.what === 'removed' && cameByMove(step, at)).map(({ name }) => name))
  const plan = all.filter(({ name }) => !stays.has(name))
  const notes = [...stays].map(name => `${name} is older than that time and was moved or renamed to here since: it stays`)
  notes.push(...plan.filter(({ what }) => what === 'brought back').flatMap(step => obstacle(step) === undefined ? elsewhere(step).map(other => `the event of ${step.name} is in ${other} too`) : []))
  if (!isDry) {
    const { done, failed } = await doAll(site, plan, tell)
    return { steps: done, failed, notes }
  }
  const leaving = new Set(plan.filter(({ what }) => what === 'removed').map(({ name }) => name))
  const failed = plan.flatMap(step => obstacle(step, leaving) ?? [])
  return { steps: plan.filter(step => obstacle(step, leaving) === undefined), failed, notes }
}

// a rename keeps the time of a file, and its history is at the former path
function cameByMove ({ collection, name }: Step, at: number): boolean {
  return (factsOf(`${collection.directory}/${name}`)?.mtimeMs ?? Infinity) <= at
}

function demandThere ({ path, pasts, file }: Spot, at: number): void {
  const born = factsOf(file)?.birthtimeMs ?? 0
  const [last] = pasts
  if (born <= at) return
  throw new AdminError(`${typedPath(path)} was not there at ${momentText(at)}: it was made at ${momentText(born)}${last === undefined || last.at > at ? '' : `, after another had been deleted at ${momentText(last.at)}`}; caldavd rm removes it`)
}

/** What a file of a collection was at a time. */
interface State { readonly name: string, readonly file: string, readonly life: Life | undefined }

/** By path below the collection. @param base  where the files of that time lie, when that is no more the collection itself */
function statesAt ({ settings }: Site, { path, file }: Pick<Spot, 'path' | 'file'>, at: number, base?: Past): Map<string, State> {
  const pasts = pastBelow(settings.history.directory, path)
  const born = factsOf(base?.file ?? file)?.birthtimeMs
  const present = entries(file).filter(entry => entry.isFile() && !isIgnored(entry.name)).map(({ name }) => `${path}/${name}`)
  const states = new Map<string, State>()
  for (const one of new Set([...present, ...pasts.keys()])) {
    const former = pasts.get(one) ?? []
    const name = one.slice(path.length + 1)
    if (former[0]?.isCollection === true) continue
    states.set(name, { name, file: `${file}/${name}`, life: lifeAt(livesOf(former, `${file}/${name}`), at, born) })
  }
  return states
}

function stepsOf (home: Home, collection: Collection, states: readonly State[]): Step[] {
  const steps = states.flatMap(({ name, file, life }): Step[] => {
    if (name.includes('/') || (life !== undefined && life.past === undefined)) return []
    const before = home.member(collection, name)
    if (life?.past === undefined) return before === undefined ? [] : [{ home, collection, name, what: 'removed', bytes: undefined, from: undefined, before }]
    const step = stepTo(home, collection, name, life.past.file)
    return before !== undefined && before.problem === '' && step.bytes?.equals(bytesOf(file)) === true ? [] : [step]
  })
  // what goes makes room for its UID
  const order: Readonly<Record<Step['what'], number>> = { 'removed': 0, 'changed back': 1, 'brought back': 2 }
  return steps.sort((a, b) => order[a.what] - order[b.what] || (a.name < b.name ? -1 : 1))
}

/** Steps that stand in each other's way are tried again when others are done. */
async function doAll (site: Site, steps: readonly Step[], tell: (done: number, of: number) => void): Promise<{ done: Step[], failed: string[] }> {
  const done: Step[] = []
  let [left, failed] = [[...steps], [] as string[]]
  for (let before = -1; left.length > 0 && before !== done.length;) {
    before = done.length
    const again: Step[] = []
    failed = []
    for (const step of left) {
      try {
        await doStep(site, step)
        done.push(step)
        tell(done.length, steps.length)
      } catch (error) {
        if (!(error instanceof AdminError) && !(error instanceof StoreError && error.reason !== 'full' && error.reason !== 'read-only')) throw error
        again.push(step)
        failed.push(error.message)
      }
    }
    left = again
  }
  return { done, failed }
}

/**
 * The collection as it was last when it ended, or at a time; `undefined` = as it is now.
 * @throws AdminError when there is none
 */
export function treeOf ({ path, pasts, file, present }: Spot, at: number | undefined): Past | undefined {
  const trees = pasts.filter(({ isCollection }) => isCollection)
  const [last] = trees
  if (at === undefined) {
    if (last === undefined) throw new AdminError(`${typedPath(path)} has not been deleted as long as there is a history of it`)
    return last
  }
  const life = lifeAt(livesOf(trees, file), at, factsOf(file)?.birthtimeMs)
  if (life === undefined && present === undefined) throw new AdminError(`${typedPath(path)} was not there at ${momentText(at)}; it was deleted at ${momentText(last?.at ?? 0)}`)
  return life?.past
}

/**
 * Brings a collection back whole, by one rename, with names, colours, sharing and all that was in it: as it was last, or at a time.
 * @param to  below the home, where nothing is yet
 * @throws AdminError, StoreError
 */
export async function undoWhole (site: Site, spot: Spot, at: number | undefined, to: string, isDry: boolean): Promise<Brought> {
  const tree = treeOf(spot, at)
  const source = tree?.file ?? spot.file
  const path = typedPath([...spot.root, to].join('/'))
  const states = at === undefined ? [] : [...statesAt(site, spot, at, tree).values()]
  if (at !== undefined && states.every(({ life }) => life === undefined)) demandThere(spot, at)
  const changes = states.filter(({ name, life }) => isOther(source, name, life))
  const events = countEvents(source) + changes.reduce((sum, { name, life }) => sum + (life === undefined ? -1 : factsOf(`${source}/${name}`) === undefined ? 1 : 0), 0)
  if (isDry) return { path, title: titleOf(source), events }
  const home = spot.home ?? site.store.makeHome(spot.root)
  const made = await bringBack(site.store.writing, home, source, to, async prepared => {
    for (const { name, file, life } of changes) {
      await rm(`${prepared}/${name}`, { force: true })
      if (life === undefined) continue
      makeDirectories(dirname(`${prepared}/${name}`))
      await copyOne(life.past?.file ?? file, `${prepared}/${name}`)
    }
  })
  await home.fresh(made)
  return { path, title: titleOf(made.directory), events: countEvents(made.directory) }
}

function isOther (source: string, name: string, life: Life | undefined): boolean {
  const isThere = factsOf(`${source}/${name}`)?.isFile() === true
  if (life === undefined) return isThere
  return !isThere || (life.past !== undefined && life.past.file !== `${source}/${name}`)
}

/** How many files a collection holds, with what is below it. @param directory  absolute */
export function countEvents (directory: string): number {
  let count = 0
  for (const inner of inTree({ path: '', at: 0, end: 'deleted', file: directory, isCollection: true })) if (!inner.isCollection) count++
  return count
}

/**
 * Puts what a deleted calendar held into the one that has its name now. What that has already, by UID, is left as it is.
 * @throws AdminError, StoreError
 */
export async function undoMerge (site: Site, spot: Spot, at: number | undefined, isDry: boolean, tell: (done: number, of: number) => void = () => {}): Promise<Undone> {
  const { home, rest, path } = spot
  const collection = home?.collection(rest)
  if (home === undefined || collection?.holdsObjects !== true) throw new AdminError(`${typedPath(path)} is no calendar that something could be put into`)
  const tree = treeOf(spot, at)
  if (tree === undefined) throw new AdminError(`${typedPath(path)} is the calendar that was there then: --merge is for one that was deleted`)
  const present = new Set(home.members(collection).map(({ uid }) => uid))
  const names = new Set(home.members(collection).map(({ name }) => name))
  const [steps, notes]: [Step[], string[]] = [[], []]
  for (const { file, path: inner, isCollection } of inTree(tree)) {
    if (isCollection || inner.slice(path.length + 1).includes('/')) continue
    const wanted = inner.slice(path.length + 1)
    const uid = uidOf(file)
    if (uid === undefined) notes.push(`${wanted} was no event that can be served; it is kept in ${file}`)
    else if (!present.has(uid)) {
      const name = freeName(wanted, names)
      names.add(name)
      present.add(uid)
      steps.push(stepTo(home, collection, name, file))
    }
  }
  notes.push(...steps.flatMap(step => elsewhere(step).map(other => `the event of ${step.name} is in ${other} too`)))
  if (isDry) return { steps, failed: [], notes }
  const { done, failed } = await doAll(site, steps, tell)
  return { steps: done, failed, notes }
}

function uidOf (file: string): string | undefined {
  try {
    return describe(bytesOf(file)).uid
  } catch {
    return undefined
  }
}

function freeName (wanted: string, taken: ReadonlySet<string>): string {
  const [, stem = wanted, tail = ''] = /^(.*?)(\.ics)?$/is.exec(wanted) ?? []
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${stem}-${number}${tail}`
    if (!taken.has(name)) return name
  }
}
