import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { run } from './run.js'
import { account, missing, serve, strays } from './server.js'
import { roomFor } from './room.js'

/** Each suite with the number of its tests in litmus 0.13, the one that Debian has. */
const suites: Readonly<Record<string, number>> = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 }

/** Warnings that are right: beginning of the text → why. */
const explained: Readonly<Record<string, string>> = {}

t.test('litmus passes whole', { skip: missing('litmus') }, async t => {
  const directory = roomFor(t, {})
  const served = await serve(t, path.join(directory, 'data'))
  for (const [suite, count] of Object.entries(suites)) {
    await t.test(suite, async t => {
      const { code, printed } = await run('litmus', [`${served.url}${served.home}`, account.user, account.password], { cwd: directory, environment: { TESTS: suite } })
      // a line is begun anew with CR where more is known
      const lines = printed.split(/[\r\n]+/)
      t.same(lines.filter(line => /FAIL|SKIPPED|ERROR/.test(line)), [])
      t.match(printed, `of ${count} tests run: ${count} passed, 0 failed`, 'every test was run', { debug: code === 0 ? undefined : tail(directory) })
      const warnings = lines.flatMap(line => /WARNING: (.*)/.exec(line)?.[1] ?? [])
      t.same(warnings.filter(warning => !Object.keys(explained).some(known => warning.startsWith(known))), [], 'no warning without a reason')
      t.equal(code, 0)
    })
  }
  t.test('it leaves nothing but what it was asked to keep', { skip: served.data === undefined }, async t => {
    t.same(strays(served.data ?? '').map(file => path.basename(file)), [])
  })
})

/** What litmus has noted of the last requests. */
function tail (directory: string): string {
  return readFileSync(path.join(directory, 'debug.log'), 'utf8').slice(-3000)
}
