import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { describe, hand, object, openStore, shelf, until } from '../store/shelf.js'

const execute = promisify(execFile)
const child = fileURLToPath(new URL('few-watches.ts', import.meta.url))

t.test('more than the system can tell at once is found all the same', async t => {
  const queue = Number(textOf('/proc/sys/fs/inotify/max_queued_events'))
  if (queue === 0 || queue > 200_000) return t.pass('skipped', { skip: 'no queue of events here that could be filled' })
  const { store, home, directory, told } = shelf(t)
  for (const name of ['a', 'b', 'c']) hand(`${directory}/${name}.ics`, object(name))
  await store.start()
  const uids = (): string => home.index.all<{ uid: string }>("SELECT uid FROM member WHERE etag <> '' ORDER BY uid").map(({ uid }) => uid).join(' ')
  t.ok(await until(() => uids() === 'a b c') < Infinity)
  await store.sweep()
  // nothing of this is read before the end; two files in turn, because equal events are one
  for (let number = 0; number < queue + 100; number++) utimesSync(`${directory}/${number % 2 === 0 ? 'a' : 'b'}.ics`, 1, number)
  // in place, so that the directory does not tell: the event of this is lost
  writeFileSync(`${directory}/c.ics`, object('d'))
  t.ok(await until(() => uids() === 'a b d', 5000) < Infinity, uids())
  t.same(told, [])
})

t.test('where nothing more may be watched the files are compared, and one sentence says what to do', async t => {
  try {
    execFileSync('unshare', ['-Ur', 'sh', '-c', 'echo 12 > /proc/sys/user/max_inotify_watches'], { stdio: 'ignore' })
  } catch {
    return t.pass('skipped', { skip: 'no user namespaces with a limit of their own here' })
  }
  const { stdout } = await execute('unshare', ['-Ur', process.execPath, ...process.execArgv, child], { timeout: 60_000 })
  const { told, compared, found, watches } = JSON.parse(stdout) as { told: string[], compared: boolean, found: boolean, watches: number }
  t.equal(compared, true)
  t.equal(found, true, 'what was written in place')
  t.equal(told.length, 2, told.join('\n'))
  t.match(told[0], /^(\d+) of 31 directories are watched, the system allows no more.*sysctl fs\.inotify\.max_user_watches=64 \(it is 12 now/s)
  t.equal(told[1], 'all 31 directories are watched again', 'without a restart, when it is allowed')
  t.equal(watches, 31 + 1, 'the tree, the home and one for each directory')
})

t.test('one watch for each directory, before anything is compared', async t => {
  let first: number | undefined
  const { store, documents } = openStore(t, mkdtempSync(join(tmpdir(), 'caldavd-watch-')), {
    describe: (bytes, replaces) => {
      first ??= watches()
      return describe(bytes, replaces)
    }
  }, true)
  for (let number = 0; number < 50; number++) hand(`${documents}/u${number}/work/a.ics`, object('a'))
  const before = watches()
  await store.start()
  await store.sweep()
  t.equal(watches() - before, 1 + 50 + 50, 'the root, the homes and the calendars')
  t.equal(first, watches())
})

/** How many directories this process watches. */
function watches (): number {
  return readdirSync('/proc/self/fdinfo').reduce((sum, descriptor) => sum + (textOf(`/proc/self/fdinfo/${descriptor}`).match(/^inotify wd:/gm)?.length ?? 0), 0)
}

function textOf (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // closed since it was listed
    return ''
  }
}
