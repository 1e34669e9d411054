import { dirname } from 'node:path'
import type { Site } from '../../site/site.js'
import { AdminError } from '../place.js'
import { momentText, type When } from './moment.js'
import { factsOf, lifeAt, livesOf, type Past } from './past.js'
import { parentOf, spotAt, typedPath, type Spot } from './place.js'
import { bytesOf, doStep, elsewhere, obstacle, stepPath, stepTo, type Step } from './step.js'

/** How something is undone. */
export interface Undoing {
  /** As it was at that time; `undefined` = before the last change. */
  readonly when: When | undefined
  /** Into this calendar instead, as it is typed. */
  readonly into: string | undefined
  /** Only look what would be done. */
  readonly isDry: boolean
  /** Absolute, where relative paths begin. */
  readonly cwd: string
}

/** What an undo has done, or would do. */
export interface Undone {
  readonly steps: readonly Step[]
  /** Sentences about what could not be done. */
  readonly failed: readonly string[]
  /** Sentences worth knowing. */
  readonly notes: readonly string[]
}

const dayLength = 86_400_000

/**
 * Undoes the last change of a file, or makes it what it was at a time; what is there goes to the history.
 * @throws AdminError when there is nothing to undo, or it cannot be done; StoreError
 */
export async function undoFile (site: Site, spot: Spot, undoing: Undoing): Promise<Undone> {
  const goal = undoing.when === undefined ? beforeLast(spot) : goalAt(site, spot, undoing.when)
  const step = undoing.into === undefined ? stepOf(spot, goal) : await stepInto(site, spot, goal, undoing)
  if (step === undefined) return { steps: [], failed: [], notes: [`${typedPath(spot.path)} is so already; nothing was done`] }
  const why = obstacle(step)
  if (why !== undefined) throw new AdminError(why)
  const others = step.before === undefined ? elsewhere(step) : []
  if (!undoing.isDry) await doStep(site, step)
  return { steps: [step], failed: [], notes: others.map(path => `the same event is in ${path} too`) }
}

/** What a file shall be: a former state, the one that is served although the file is broken, or not there. */
type Goal = { readonly past: Past } | 'as served' | 'as it is' | 'gone'

function beforeLast (spot: Spot): Goal {
  const { present, pasts, path, home, file } = spot
  const [last] = pasts
  if (present === undefined && last !== undefined) return { past: last }
  const { collection, name } = parentOf(spot, '')
  if (home?.member(collection, name)?.problem) return 'as served'
  if (last === undefined) throw new AdminError(`${typedPath(path)} has not been changed as long as there is a history of it: there is nothing to undo`)
  const now = bytesOf(file)
  const different = pasts.find(past => !bytesOf(past.file).equals(now))
  // what was brought back goes again
  if ((last.end === 'deleted' || last.end === 'removed') && bytesOf(last.file).equals(now)) return 'gone'
  return different === undefined ? 'as it is' : { past: different }
}

function goalAt (site: Site, { path, file, pasts }: Spot, when: When): Goal {
  if ('number' in when) {
    const past = pasts[when.number - 1]
    if (past === undefined) throw new AdminError(`${typedPath(path)} has ${pasts.length} former versions, and no number ${when.number}: see caldavd history ${typedPath(path)}`)
    return { past }
  }
  const life = lifeAt(livesOf(pasts, file), when.at, factsOf(dirname(file))?.birthtimeMs)
  if (life !== undefined) return life.past === undefined ? 'as it is' : { past: life.past }
  demandReach(site, when.at)
  return 'gone'
}

/** @throws AdminError for a time before the history begins */
export function demandReach ({ settings: { history: { days } } }: Site, at: number): void {
  if (at < Date.now() - days * dayLength) throw new AdminError(`the history goes back ${days} days, not to ${momentText(at)}`)
}

function stepOf (spot: Spot, goal: Goal): Step | undefined {
  if (goal === 'as it is') return undefined
  const { home, collection, name } = parentOf(spot, hint(spot))
  const before = home.member(collection, name)
  if (goal === 'gone') return before === undefined ? undefined : { home, collection, name, what: 'removed', bytes: undefined, from: undefined, before }
  if (goal === 'as served') return { home, collection, name, what: 'changed back', bytes: home.content(collection, name)?.bytes, from: undefined, before }
  const step = stepTo(home, collection, name, goal.past.file)
  return spot.present === 'file' && step.bytes?.equals(bytesOf(spot.file)) === true ? undefined : step
}

function hint ({ path, pasts }: Spot): string {
  const above = typedPath(path.slice(0, path.lastIndexOf('/')))
  return pasts[0]?.within === undefined ? `bring it back first: caldavd undo ${above}, or choose another calendar with --into`
    : `it was deleted with all it held: caldavd undo ${above} brings all of it back, --into another calendar this event alone`
}

async function stepInto (site: Site, spot: Spot, goal: Goal, { into = '', cwd }: Undoing): Promise<Step> {
  const isName = !into.includes('/')
  const target = await spotAt(site, isName ? `${typedPath(spot.root.join('/'))}/${into}` : into, cwd)
  const collection = target.home?.collection(target.rest)
  if (target.home === undefined || target.present !== 'collection' || collection === undefined) throw new AdminError(`--into ${into}: expected a calendar that is there`)
  const name = spot.path.slice(spot.path.lastIndexOf('/') + 1)
  const source = goal === 'as it is' || goal === 'as served' ? spot.file : goal === 'gone' ? undefined : goal.past.file
  if (source === undefined) throw new AdminError(`${typedPath(spot.path)} was not there at that time`)
  const step = stepTo(target.home, collection, name, source)
  if (step.before !== undefined) throw new AdminError(`${stepPath(step)} is there already`)
  return step
}
