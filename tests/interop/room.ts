import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'

/** Files and directories by name. */
export interface Fixture { readonly [name: string]: string | Fixture }

/**
 * A directory that is there until the servers of the test have stopped: a testdir is removed before, which to a server is the work of a hand
 * and goes into its history, while that is removed too.
 */
export function roomFor (t: Pick<Test, 'teardown'>, fixture: Fixture = {}): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'caldavd-room-'))
  t.teardown(() => { rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) })
  furnish(directory, fixture)
  return directory
}

function furnish (directory: string, fixture: Fixture): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(fixture)) {
    if (typeof content === 'string') writeFileSync(path.join(directory, name), content)
    else furnish(path.join(directory, name), content)
  }
}
