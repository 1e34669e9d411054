import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Collection, Home } from '../../store/home.js'
import type { Describe, Span } from '../../store/index/fact.js'
import { forgetMounts } from '../../store/mount.js'
import { Store, type StoreOptions } from '../../store/store.js'

/** A store on a temporary directory that speaks plain words: no iCalendar, no HTTP. Homes are directly in the documents. */
export interface Shelf {
  readonly store: Store
  readonly documents: string
  readonly state: string
  /** What was reported. */
  readonly told: string[]
  /** `home/collection` of each change, in order. */
  readonly changes: string[]
  readonly home: Home
  /** The calendar `work` of the home `alice`. */
  readonly work: Collection
  /** Absolute path of `work`. */
  readonly directory: string
}

/** Words of an object: one `uid NAME` line; `span START END [floating] [bounds]` lines. */
export function object (uid: string, rest = ''): Buffer {
  return Buffer.from(`uid ${uid}\n${rest}`)
}

/** What the words say. Throws unless there is exactly one UID. */
export const describe: Describe = bytes => {
  const text = Buffer.from(bytes).toString('utf8')
  const uids = new Set([...text.matchAll(/^uid (\S+)$/gm)].map(([, uid]) => uid ?? ''))
  const [uid] = uids
  if (uid === undefined) throw new Error('line 1: expected a UID')
  if (uids.size > 1) throw new Error(`${uids.size} UIDs: ${[...uids].join(', ')}`)
  const spans = [...text.matchAll(/^span (\S+) (\S+)(.*)$/gm)].map(([, start, end, words = '']): Span =>
    ({ start: Number(start), end: Number(end), floating: words.includes('floating'), exact: !words.includes('bounds') }))
  return { uid, component: /^todo$/m.test(text) ? 'VTODO' : 'VEVENT', spans }
}

/** A directory holds objects when it lies directly in a home and its resource type does not say `plain`. */
export function holdsObjects (path: string, resourcetype: string | undefined): boolean {
  return path !== '' && (resourcetype === undefined ? !path.includes('/') : !resourcetype.includes('plain'))
}

/** A store without its home, for tests that make their own. It is closed with the test, and what is below its root removed if so wanted. */
export function openStore (t: Test, root: string, options: Partial<StoreOptions> = {}, remove = false): { store: Store, told: string[], changes: string[], documents: string, state: string } {
  const [documents, state] = [`${root}/documents`, `${root}/state`]
  const told: string[] = []
  const changes: string[] = []
  const store = new Store({ documents, state, durable: false, sweepSeconds: 0, history: { directory: `${root}/history`, days: () => 30, bytes: () => 0 }, describe, holdsObjects, homeDepth: 1, report: message => { told.push(message) }, ...options })
  store.on('change', ({ home, collection }) => { changes.push(`${home}/${collection}`) })
  t.teardown(async () => {
    await store.close()
    if (remove) rmSync(root, { recursive: true, force: true })
  })
  return { store, told, changes, documents, state }
}

/** A store with alice's calendar `work`. */
export function shelf (t: Test, options: Partial<StoreOptions> = {}): Shelf {
  // not a testdir: that is removed before the store is closed
  const root = mkdtempSync(join(tmpdir(), 'caldavd-store-'))
  mkdirSync(`${root}/documents/alice/work`, { recursive: true })
  const opened = openStore(t, root, options, true)
  const home = opened.store.home(['alice'])
  const work = home?.collection('work')
  if (home === undefined || work === undefined) throw new Error('no home')
  return { ...opened, home, work, directory: work.directory }
}

/** Waits until something holds. @returns how long it took in ms; Infinity when it did not within the time (ms) */
export async function until (holds: () => boolean, within = 2000): Promise<number> {
  const start = performance.now()
  while (!holds()) {
    if (performance.now() - start > within) return Infinity
    await sleep(5)
  }
  return performance.now() - start
}

/** Longer than the clocks of file systems tick. */
export async function tick (): Promise<void> {
  await sleep(30)
}

/** The names a home would list in a collection, compared with the disk first. */
export async function namesIn (home: Home, path: string): Promise<string[]> {
  const collection = home.collection(path)
  if (collection === undefined) return []
  await home.fresh(collection)
  return home.members(collection).map(({ name }) => name)
}

/** Writes a text file, making its directory. */
export function hand (path: string, text: string | Buffer): void {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  writeFileSync(path, text)
}

/** One command of the shell, bounded. */
export function shell (cwd: string, command: string): string {
  return execFileSync('/bin/sh', ['-c', command], { cwd, encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A fresh file system on a directory of its own until the end of the test; only root can. @returns its path, or why there is none */
export function mounted (t: Test, options: string): { path: string } | { problem: string } {
  if (process.getuid?.() !== 0) return { problem: 'only root may mount' }
  const path = mkdtempSync(join(tmpdir(), 'caldavd-mount-'))
  t.teardown(() => {
    shell('/', `umount -l '${path}' 2>/dev/null || true`)
    rmdirSync(path)
  })
  return remount(path, options)
}

/** Ways in which a directory below a mounted one can be beyond the reach of a rename: another file system, and the same one mounted once more. */
export function beyond (path: string): (readonly [string, string, string])[] {
  mkdirSync(`${path}/source`, { recursive: true })
  return [['another file system', '-t tmpfs -o size=8m', 'caldavd-test'], ['a bind mount', '--bind', `${path}/source`]]
}

/** Mounts over an existing directory; whoever calls it unmounts. */
export function remount (path: string, options: string, source = 'caldavd-test'): { path: string } | { problem: string } {
  try {
    shell('/', `mount ${options} '${source}' '${path}'`)
    forgetMounts()
    return { path }
  } catch (error) {
    return { problem: `cannot mount here: ${(error as Error).message}` }
  }
}
