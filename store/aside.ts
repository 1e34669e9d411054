import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { StoreError, translated } from './error.js'
import { temporary } from './file.js'
import type { End } from './history/version.js'
import { entries } from './scan.js'
import type { Writing } from './write.js'

/** A directory that nobody sees any more, on its way into the history on another file system. */
export interface Aside {
  /** Where it was, absolute. */
  readonly path: string
  readonly end: End
  /** ms since 1970 */
  readonly at: number
}

const prefix = '.aside-'

/**
 * A name for a directory that is set aside, with a note of what it is beside it: a start after a crash goes on with it, where a draft
 * would be cleared away.
 * would be cleared away. On a full disk it is a draft: nobody could make room otherwise.
 * @param directory  where drafts go, absolute
 * @throws StoreError
 */
export function asideIn (directory: string, aside: Aside): string {
  const out = `${directory}/${prefix}${randomBytes(9).toString('base64url')}`
  try {
    writeFileSync(`${out}.json`, JSON.stringify(aside), { flag: 'wx', mode: 0o600 })
    return out
  } catch (error) {
    rmSync(`${out}.json`, { force: true })
    const problem = translated(error, `set ${aside.path} aside`)
    if (problem instanceof StoreError && problem.reason === 'full') return temporary(directory)
    throw problem
  }
}

/** Brings what was set aside into the history, or removes it when nothing is kept. @throws StoreError, and it stays where it is */
export async function finishAside ({ history }: Pick<Writing, 'history'>, out: string, { path, end, at }: Aside): Promise<void> {
  if (history.isOn) await history.keepAside(out, path, end, at)
  await rm(out, { recursive: true, force: true }).catch(() => {
    // nobody sees it; the next start goes on
  })
  dropAside(out)
}

/** Forgets what was set aside: it is where it was again. */
export function dropAside (out: string): void {
  try {
    rmSync(`${out}.json`, { force: true })
  } catch {
    // the next start finds that there is nothing to go on with
  }
}

/** Goes on with what a crash has broken off. */
export async function finishAsides (writing: Writing): Promise<void> {
  const found = entries(writing.drafts)
  for (const { name } of found.filter(({ name }) => name.startsWith(prefix) && name.endsWith('.json'))) {
    const out = `${writing.drafts}/${name.slice(0, -'.json'.length)}`
    if (found.some(entry => `${writing.drafts}/${entry.name}` === out)) await finishAside(writing, out, JSON.parse(readFileSync(`${out}.json`, 'utf8')) as Aside)
    else dropAside(out)
  }
}
