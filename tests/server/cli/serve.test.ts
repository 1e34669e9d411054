import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'

/** What names data for tests is no setting of the server, which would say so. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CALDAVD_')))

const program = join(import.meta.dirname, '../../../dist/bin/caldavd.js')

interface Served { readonly child: ChildProcessWithoutNullStreams, readonly url: string, readonly output: () => string, readonly ended: Promise<number | null> }

/** A directory for a server. No testdir: that is removed before the server is stopped, which would keep what was removed in the history. */
function scratch (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'caldavd-serve-'))
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}

/** Starts the executable and waits until it says that it is ready. */
async function serve (t: Test, data: string, ...flags: string[]): Promise<Served> {
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', '0', ...flags], { env })
  let text = ''
  child.stdout.on('data', chunk => { text += String(chunk) })
  child.stderr.on('data', chunk => { text += String(chunk) })
  const ended = new Promise<number | null>(resolve => { child.once('exit', code => { resolve(code) }) })
  // what it still writes would be in the way of those who tidy up
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  for (let wait = 0; wait < 200 && !text.includes('calendars are in'); wait++) await new Promise(resolve => setTimeout(resolve, 50))
  return { child, url: /Address +(\S+)/.exec(text)?.[1] ?? `nothing: ${text}`, output: () => text, ended }
}

/** Runs the executable to its end. */
function run (...args: string[]): { code: number | null, out: string, err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 20_000, env })
  return { code: status, out: stdout, err: stderr }
}

t.test('the first start makes the data directory and an account that can log in', async t => {
  const data = join(scratch(t), 'deep/data')
  const { url, output, child, ended } = await serve(t, data)
  const name = /Name +(\S+)/.exec(output())?.[1] ?? ''
  const password = /Password +(\S+)/.exec(output())?.[1] ?? ''
  t.equal(statSync(data).mode & 0o777, 0o700, 'the calendars are private')
  t.equal((await fetch(`${url}health`)).status, 200)
  const login = { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
  const answer = await fetch(`${url}calendars/users/${name}/`, { method: 'PROPFIND', headers: { ...login, depth: '1' } })
  t.equal(answer.status, 207)
  t.match(await answer.text(), `/calendars/users/${name}/calendar/`)
  t.notMatch(readFileSync(join(data, 'conf/accounts.toml'), 'utf8'), password, 'the password is kept as a hash')
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.notMatch(output(), /Error/)
  const again = await serve(t, data)
  t.notMatch(again.output(), 'Password', 'the password is shown once')
})

t.test('SIGTERM finishes what is in flight', async t => {
  const { url, child, ended } = await serve(t, scratch(t), '--accounts', accounts(t))
  const body = new ReadableStream({
    async start (controller) {
      controller.enqueue(Buffer.from('BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:slow\r\nDTSTAMP:20260101T000000Z\r\n'))
      await new Promise(resolve => setTimeout(resolve, 300))
      child.kill('SIGTERM')
      await new Promise(resolve => setTimeout(resolve, 300))
      controller.enqueue(Buffer.from('DTSTART:20260101T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'))
      controller.close()
    }
  })
  const answer = await fetch(`${url}calendars/users/alice/calendar/slow.ics`, {
    method: 'PUT', body, duplex: 'half', headers: { ...alice, 'content-type': 'text/calendar' }
  } as RequestInit)
  t.equal(answer.status, 201)
  t.equal(await ended, 0)
})

t.test('SIGHUP reads accounts and settings again, and keeps the old ones when they are broken', async t => {
  const data = scratch(t)
  mkdirSync(join(data, 'conf'))
  writeFileSync(join(data, 'conf/caldavd.toml'), '[limits]\nresourceBytes = 1000\n')
  const file = accounts(t)
  const { url, child, output } = await serve(t, data, '--accounts', file)
  const size = async (): Promise<string | undefined> => {
    const answer = await fetch(`${url}calendars/users/alice/calendar/`, {
      method: 'PROPFIND', headers: { ...alice, depth: '0' },
      body: '<propfind xmlns="DAV:"><prop><max-resource-size xmlns="urn:ietf:params:xml:ns:caldav"/></prop></propfind>'
    })
    return /max-resource-size>(\d+)</.exec(await answer.text())?.[1]
  }
  t.equal(await size(), '1000')
  writeFileSync(join(data, 'conf/caldavd.toml'), '[limits]\nresourceBytes = 2000\n')
  child.kill('SIGHUP')
  for (let wait = 0; wait < 50 && await size() !== '2000'; wait++) await new Promise(resolve => setTimeout(resolve, 50))
  t.equal(await size(), '2000')
  writeFileSync(join(data, 'conf/caldavd.toml'), '[limits]\nresorceBytes = 3000\n')
  child.kill('SIGHUP')
  for (let wait = 0; wait < 50 && !output().includes('resorceBytes'); wait++) await new Promise(resolve => setTimeout(resolve, 50))
  t.match(output(), /caldavd\.toml.*2.*resorceBytes.*resourceBytes/, 'the log names file, line, key and what was meant')
  t.equal(await size(), '2000')
})

t.test('what prevents a start is one line', async t => {
  const busy = createServer()
  await new Promise<void>(resolve => { busy.listen(0, '127.0.0.1', () => { resolve() }) })
  t.teardown(() => { busy.close() })
  const data = t.testdir({ 'typo.toml': '[server]\nprot = 8009\n', 'half.xml': '<accounts><user>', 'file': '' })
  const port = String((busy.address() as AddressInfo).port)
  const cases: Record<string, { args: string[], code: number, says: RegExp }> = {
    'a port in use': { args: ['--data', join(data, 'a'), '--port', port], code: 1, says: /port \d+ of 127\.0\.0\.1 is in use/ },
    'a typo in the settings': { args: ['--data', join(data, 'b'), '--config', join(data, 'typo.toml')], code: 1, says: /typo\.toml.*2.*prot.*port/ },
    'a typo on the command line': { args: ['--prot', '8009'], code: 2, says: /--prot.*--port/ },
    'a broken accounts file': { args: ['--data', join(data, 'c'), '--accounts', join(data, 'half.xml')], code: 1, says: /half\.xml/ },
    'an accounts file that is not there': { args: ['--data', join(data, 'e'), '--accounts', join(data, 'nobody.toml')], code: 1, says: /nobody\.toml/ },
    'a file where the data directory should be': { args: ['--data', join(data, 'file')], code: 1, says: /file/ },
    'an address this machine does not have': { args: ['--data', join(data, 'd'), '--bind', '203.0.113.7'], code: 1, says: /203\.0\.113\.7/ }
  }
  for (const [why, { args, code, says }] of Object.entries(cases)) {
    const result = run('serve', ...args)
    t.equal(result.code, code, why)
    t.match(result.err, says, why)
    t.equal(result.err.trim().split('\n').length, 1, `${why}: ${result.err}`)
  }
  t.notOk(existsSync(join(data, 'b')), 'a start that fails on its settings makes nothing')
  t.notOk(existsSync(join(data, 'a/conf/accounts.toml')), 'a start that fails keeps no account whose password nobody has seen')
})

t.test('one process serves a data directory', async t => {
  const data = scratch(t)
  const { child, ended } = await serve(t, data, '--accounts', accounts(t))
  const second = run('serve', '--data', data, '--port', '0', '--accounts', accounts(t))
  t.equal(second.code, 1)
  t.match(second.err, `process ${child.pid ?? ''} serves this data directory already`)
  child.kill('SIGKILL')
  await ended
  const third = await serve(t, data, '--accounts', accounts(t))
  t.match(third.url, 'http://127.0.0.1', 'a lock left by a crash does not hold')
})

t.test('a word that is no command says which there are', async t => {
  t.match(run('sevre'), { code: 2, err: /serve/ })
  t.match(run('--help'), { code: 0, out: /serve.*\n.*user/ })
  t.match(run('serve', '--help'), { code: 0, out: /--bind/ })
})

const alice = { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` }

function accounts (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'caldavd-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  const file = join(directory, 'accounts.toml')
  writeFileSync(file, '[users.alice]\npassword = "plain:alice"\n')
  return file
}
