import { mkdtempSync, readlinkSync, readSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { loadSettings } from '../../conf/load.js'
import type { Settings } from '../../conf/settings.js'
import { withTree } from '../../server/admin/tree.js'
import { Login } from '../../server/directory/login.js'
import { AccessLog } from '../../server/http/access-log.js'
import { makeApp } from '../../server/http/app.js'
import { Sudoers } from '../../server/directory/sudoers.js'
import { start } from '../../server/main.js'

// The process that is killed. With `loop` it loads the server once and forks for each line of its input (see interpose.c), since loading
// takes twenty times as long as starting; otherwise it does what its argument says.

interface Job {
  readonly role: 'server' | 'guest'
  readonly data: string
}

function settingsOf (data: string, fsync = true): Settings {
  return loadSettings({ environment: {}, flags: { 'data.directory': data, 'data.fsync': String(fsync), 'log.access': '', 'log.level': 'warn', 'server.port': '0', 'server.bind': '127.0.0.1', 'data.sweepSeconds': '0' } })
}

async function serve (data: string): Promise<string> {
  const { url } = await start(settingsOf(data))
  return new URL(url).port
}

/** A second process on the tree of a running server, as commands are; it takes requests too, so that both can be asked the same. */
async function visit (data: string): Promise<string> {
  const settings = settingsOf(data)
  const warn = (line: string): void => { process.stderr.write(`guest: ${line}\n`) }
  return await new Promise((resolve, reject) => {
    withTree(settings, warn, async site => {
      const { log } = site
      const login = new Login({ ...settings.authentication, directory: site.directory, now: Date.now, log })
      const app = makeApp({ site, login, sudoers: new Sudoers({ file: () => undefined, log, now: Date.now }), access: new AccessLog(''), isReady: () => true, isStopping: () => false, tlsPort: () => undefined })
      resolve(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
      await new Promise(() => {})
    }).catch(reject)
  })
}

async function work ({ role, data }: Job): Promise<void> {
  try {
    const port = await (role === 'server' ? serve(data) : visit(data))
    writeSync(1, `ready ${port}\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
    writeSync(1, 'failed\n')
    process.kill(process.pid, 'SIGKILL')
  }
}

const warmRounds = 60

/** What has run often is compiled, and every fork has it. */
async function warmUp (): Promise<void> {
  const data = mkdtempSync(`${tmpdir()}/caldavd-crash-warm-`)
  try {
    // a first start needs an empty directory
    rmSync(data, { recursive: true })
    const { first, close } = await start(settingsOf(data, false))
    await close()
    const user = first?.name ?? ''
    const headers = { authorization: `Basic ${Buffer.from(`${user}:${first?.password ?? ''}`).toString('base64')}`, depth: '1', destination: `/calendars/users/${user}/calendar/a.ics` }
    for (let starts = 0; starts < 3; starts++) {
      const running = await start(settingsOf(data, false))
      for (let round = 0; round < warmRounds; round++) {
        for (const [method, path, body] of warming) await once(running.url, method, `/calendars/users/${user}${path}`, body, { ...headers, 'content-type': body.startsWith('BEGIN') ? 'text/calendar' : 'text/xml' })
      }
      await running.close()
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

const event = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//w//EN\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
const wanted = '<propfind xmlns="DAV:"><prop><getetag/><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/><acl/></prop></propfind>'
const warming: readonly (readonly [string, string, string])[] = [
  ['MKCALENDAR', '/w/', ''], ['PUT', '/w/a.ics', event], ['PUT', '/w/a.ics', event], ['COPY', '/w/a.ics', ''], ['PROPFIND', '/', wanted], ['PROPFIND', '/calendar/', wanted],
  ['REPORT', '/w/', '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'],
  ['DELETE', '/w/a.ics', ''], ['DELETE', '/w/', '']
]

async function once (origin: string, method: string, path: string, body: string, headers: Record<string, string>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request(new URL(path, origin), { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, answer => { answer.on('data', () => {}).on('end', resolve) }).on('error', reject).end(body)
  })
}

/** Waits for jobs, one a line, and forks for each. Returns in the child only. */
function forked (): Job {
  const bytes = Buffer.alloc(65_536)
  for (;;) {
    const length = readSync(0, bytes)
    if (length === 0) process.exit(0)
    try {
      rmdirSync('/caldavd-crash-fork')
    } catch {
      // the parent: its child has ended
      continue
    }
    const pid = Number(readlinkSync('/proc/self'))
    Object.defineProperty(process, 'pid', { value: pid })
    writeSync(1, `pid ${pid}\n`)
    return JSON.parse(bytes.subarray(0, length).toString()) as Job
  }
}

const [, , first = ''] = process.argv
if (first === 'loop') {
  await warmUp()
  writeSync(1, 'waiting\n')
  // not from within the loop's wait for events, which a fork renews
  setImmediate(() => { void work(forked()) })
} else {
  writeSync(1, `pid ${process.pid}\n`)
  await work(JSON.parse(first) as Job)
}
