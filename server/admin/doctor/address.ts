import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Notes beside the lock of a running server where clients reach it. @returns takes the note away */
export function noteAddress (state: string, urls: readonly string[]): () => void {
  const file = `${state}/address`
  try {
    writeFileSync(file, urls.map(url => `${url}\n`).join(''))
  } catch {
    // a full disk: it is only for `caldavd status`
  }
  return () => {
    try {
      rmSync(file, { force: true })
    } catch {
      // a disk that is read-only: it counts only as long as we run
    }
  }
}

/** Where a server said that clients reach it; nothing when it did not. Counts as long as that server runs. */
export function addressIn (state: string): string[] {
  try {
    return readFileSync(`${state}/address`, 'utf8').split('\n').filter(line => line !== '')
  } catch {
    return []
  }
}
