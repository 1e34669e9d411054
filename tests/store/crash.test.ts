import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { etagOf } from '../../store/etag.js'
import { properties } from '../../store/property.js'
import { namesIn, openStore } from './shelf.js'

const writer = fileURLToPath(new URL('crash-writer.ts', import.meta.url))

t.test('killed in the middle of writing, twice: whole files, nothing left over, the index agrees', async t => {
  const root = mkdtempSync(join(tmpdir(), 'caldavd-crash-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  for (const milliseconds of [60, 170]) {
    const child = spawn(process.execPath, [...process.execArgv, writer, root], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.on('data', chunk => { said += String(chunk) })
    const exited = once(child, 'exit')
    await Promise.race([once(child.stdout, 'data'), exited])
    await sleep(milliseconds)
    child.kill('SIGKILL')
    const [, signal] = await exited as [number | null, string | null]
    t.equal(signal, 'SIGKILL', said)
    const { store, told } = openStore(t, root)
    t.same(readdirSync(`${root}/documents/.drafts`), [])
    const home = store.home(['alice']) ?? t.fail() as never
    const names = await namesIn(home, 'work')
    t.ok(names.length > 2)
    const work = home.collection('work') ?? t.fail() as never
    t.same(readdirSync(work.directory).sort(), names, 'no half-written names')
    for (const { name, etag } of home.members(work)) {
      const bytes = readFileSync(`${work.directory}/${name}`)
      const lines = bytes.toString().trimEnd().split('\n').slice(1)
      if (lines.length !== 2000 || new Set(lines).size !== 1) t.fail(`${name} is half a file`)
      if (etagOf(bytes) !== etag) t.fail(`${name} is not what the index says`)
    }
    const [here, there] = [`${root}/documents/alice/here`, `${root}/documents/alice/there`]
    t.equal(existsSync(here) !== existsSync(there), true, 'at one place or the other')
    t.match(properties(existsSync(here) ? here : there, '').get('{DAV:}displayname'), /Moving/)
    t.same(told, [])
    await store.close()
  }
})
