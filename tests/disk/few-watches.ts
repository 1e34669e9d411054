import { setTimeout as sleep } from 'node:timers/promises'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '../../store/store.js'
import { describe, hand, holdsObjects, object, until } from '../store/shelf.js'

// Started in a user namespace of its own: allows itself fewer watches than there are directories, and more later. Prints what happened as JSON
const setting = '/proc/sys/user/max_inotify_watches'
writeFileSync(setting, '12')
const root = mkdtempSync(join(tmpdir(), 'caldavd-few-'))
const names = Array.from({ length: 30 }, (_, number) => `c${number}`)
for (const name of names) hand(`${root}/documents/alice/${name}/a.ics`, object('a'))
mkdirSync(`${root}/state`)
const told: string[] = []
const store = new Store({ documents: `${root}/documents`, state: `${root}/state`, durable: false, sweepSeconds: 0, unwatchedSeconds: 0.2, describe, holdsObjects, homeDepth: 1, report: message => { told.push(message) } })
await store.start()
const home = store.home(['alice'])
const count = (uid: string): number => home?.index.get<{ count: number }>('SELECT count(*) AS count FROM member WHERE uid = ?', uid)?.count ?? 0
const compared = await until(() => count('a') === names.length, 10_000)
await until(() => told.length > 0, 5000)
// in place, which changes no directory
for (const name of names) writeFileSync(`${root}/documents/alice/${name}/a.ics`, object('b'))
const found = await until(() => count('b') === names.length, 10_000)
writeFileSync(setting, '1000')
await until(() => told.length > 1, 5000)
const watches = readFileSync('/proc/self/fdinfo/' + inotify(), 'utf8').match(/^inotify wd:/gm)?.length ?? 0
for (const name of names) appendFileSync(`${root}/documents/alice/${name}/a.ics`, 'more\n')
await sleep(50)
await store.close()
rmSync(root, { recursive: true, force: true })
process.stdout.write(JSON.stringify({ told, compared: Number.isFinite(compared), found: Number.isFinite(found), watches }))

/** The descriptor with the watches. */
function inotify (): string {
  for (let descriptor = 0; descriptor < 100; descriptor++) {
    try {
      if (readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').includes('inotify wd:')) return String(descriptor)
    } catch {
      // no such descriptor
    }
  }
  return 'none'
}
