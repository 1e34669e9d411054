import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort } from '../free-port.js'
import { caldav, exceptions, webdavAccess } from './cdt-exceptions.js'
import { missing } from './server.js'
import { roomFor } from './room.js'

// CALDAVD_CALDAVTESTER is the directory of the scripts, CALDAVD_CDT the path of the program that runs them (cdt.py)

const { CALDAVD_CALDAVTESTER: suite, CALDAVD_CDT: runner } = process.env
const program = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bin', 'caldavd.js')
const absent = suite === undefined || runner === undefined ? 'CALDAVD_CALDAVTESTER and CALDAVD_CDT are not set' : missing('python3')

interface Told { readonly suite: string, readonly test: string, readonly verdict: 'passed' | 'failed' | 'skipped', readonly reason: string }
interface Verdict extends Told { readonly name: string }

const mostSeconds = 300
t.setTimeout((mostSeconds + 60) * 1000)
t.jobs = 2
const scripts: readonly string[] = [...webdavAccess, ...caldav]
let passed = 0

for (const script of scripts) {
  void t.test(script, { skip: absent, buffered: true, timeout: mostSeconds * 1000 }, async t => {
    const verdicts = await verdictsOf(t, script)
    const expected = exceptions[script] ?? {}
    t.ok(verdicts.some(({ verdict }) => verdict === 'passed'), 'something was tried')
    for (const { name, verdict, reason } of verdicts) {
      if (verdict === 'passed') passed++
      if (verdict === 'failed' && expected[name] === undefined) t.fail(`${name}: ${reason}`)
      if (verdict === 'passed' && expected[name] !== undefined) t.fail(`${name} passes: it is no exception any more`)
    }
    for (const name of Object.keys(expected)) t.ok(verdicts.some(each => each.name === name && each.verdict !== 'skipped'), `${name} was tried`)
  })
}

t.test('lists', async t => {
  t.same(Object.keys(exceptions).filter(script => !scripts.includes(script)), [], 'exceptions are of scripts that are run')
})

t.teardown(() => { if (absent === false) process.stderr.write(`${passed} of CalDAVTester’s tests passed\n`) })

/** Runs a script against a server of its own. */
async function verdictsOf (t: Test, script: string): Promise<readonly Verdict[]> {
  const directory = roomFor(t)
  const url = await serve(t, path.join(directory, 'data'), script)
  const results = path.join(directory, 'results.json')
  const child = spawn('python3', [runner ?? '', '--suite', suite ?? '', '--server', url, '--serverinfo', serverInfo(directory), '--json', results, `${script}.xml`], {
    env: { ...process.env, TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'], timeout: mostSeconds * 1000
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { printed += String(text) })
  const code = await new Promise<number | null>((resolve, reject) => { child.on('close', resolve).on('error', reject) })
  if (!existsSync(results)) throw new Error(`${path.basename(runner ?? '')} ended with ${String(code)} and without results:\n${printed}`)
  const seen = new Map<string, number>()
  return (JSON.parse(readFileSync(results, 'utf8')) as { tests: Told[] }).tests.map(each => {
    const name = `${each.suite} / ${each.test}`
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    // some scripts have two tests of one name
    return { ...each, name: times === 1 ? name : `${name} (${times})` }
  })
}

/** What the scripts are told of the server, with a feature that Apple's did not have switched on everywhere. @returns the path of a copy */
function serverInfo (directory: string): string {
  const info = readFileSync(path.join(suite ?? '', 'serverinfo.xml'), 'utf8')
  const file = path.join(directory, 'serverinfo.xml')
  writeFileSync(file, info.includes('>rscale<') ? info : info.replace('</features>', '<feature>rscale</feature></features>'))
  return file
}

/** What a script expects of the settings besides those of all. */
const settingsOf: Readonly<Record<string, string>> = {
  // events from last year but one to the tenth year from now
  reports: `minDateTime = "${new Date().getUTCFullYear() - 2}0101T000000Z"\nmaxDateTime = "${new Date().getUTCFullYear() + 10}0101T235959Z"\n`
}

/** Starts our server with the accounts of the scripts; it is stopped at the end of the test. @returns its address */
async function serve (t: Test, data: string, script: string): Promise<string> {
  const accounts = path.join(suite ?? '', 'accounts', 'final')
  const file = (name: string): string => JSON.stringify(path.join(accounts, `${name}-test.xml`))
  const settings = `${data}.toml`
  const port = await freePort()
  mkdirSync(data, { recursive: true })
  // what SERVER.md beside the scripts asks for
  writeFileSync(settings, `[accounts]
file = ${file('accounts')}
resources = ${file('resources')}
augments = ${file('augments')}
proxies = ${file('proxies')}
[access]
admins = ["/principals/__uids__/0C8BDE62-E600-4696-83D3-8B5ECABDFD2E/"]
anonymousRoot = true
[limits]
quotaBytes = 104857600
${settingsOf[script] ?? ''}[log]
access = ""
`)
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', String(port), '--config', settings], { env: { ...process.env, TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let isRunning = true
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { printed += String(text) })
  const gone = new Promise<void>(resolve => {
    child.on('exit', () => { isRunning = false; resolve() })
    child.on('error', () => { isRunning = false; resolve() })
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(hard)
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; !await isReady(url); tries++) {
    if (!isRunning || tries > 600) throw new Error(`the server did not come up: ${printed}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return url
}

async function isReady (url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok
  } catch {
    return false
  }
}
