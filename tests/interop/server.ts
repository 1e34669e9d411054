import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { freePort } from '../free-port.js'

/** A running server with the account alice/secret. */
export interface Served {
  /** Without a slash at the end: http://127.0.0.1:1234 */
  readonly url: string
  /** The path of alice's calendar home, with its slash. */
  readonly home: string
  /** The data directory, `documents/` is in it; undefined when CALDAVD_INTEROP_URL names a server of someone else. */
  readonly data: string | undefined
  stop (): Promise<void>
}

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** The account that `serve` makes. */
export const account = { user: 'alice', password: 'secret' }

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bin', 'caldavd.js')

/**
 * What is missing for a test with these programs (names in PATH or paths), as one line; false when everything is there.
 * CALDAVD_INTEROP_URL is the URL of the calendar home of another server, to try the tests themselves.
 */
export function missing (...programs: string[]): string | false {
  if (process.env['CALDAVD_INTEROP_URL'] === undefined && !existsSync(program)) return 'dist/bin/caldavd.js is missing: npm run build'
  const absent = programs.filter(name => !installed(name))
  return absent.length === 0 ? false : `not installed: ${absent.join(', ')}`
}

/** Starts our server on a data directory; it is stopped at the end of the test at the latest. */
export async function serve (t: Test, data: string): Promise<Served> {
  const elsewhere = process.env['CALDAVD_INTEROP_URL']
  if (elsewhere !== undefined) {
    const { origin, pathname } = new URL(elsewhere)
    return { url: origin, home: pathname, data: undefined, stop: async () => {} }
  }
  mkdirSync(data, { recursive: true })
  const accounts = path.join(data, '..', `${path.basename(data)}-accounts.xml`)
  writeFileSync(accounts, `<?xml version="1.0" encoding="utf-8"?>
<accounts realm="Test">
  <user><uid>${account.user}</uid><guid>d1b7f5a0-5c3e-4d56-9a3f-0c9f2f8a1c01</guid><password>${account.password}</password><name>Alice</name></user>
</accounts>
`)
  const port = await freePort()
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--port', String(port), '--bind', '127.0.0.1',
    '--accounts', accounts], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { printed = (printed + String(text)).slice(-20_000) })
  let running = true
  const gone = new Promise<void>(resolve => {
    child.on('exit', () => { running = false; resolve() })
    child.on('error', () => { running = false; resolve() })
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(hard)
  }
  t.teardown(async () => {
    await stop()
    if (/" 5\d\d /.test(printed)) t.comment(`the server printed:\n${printed}`)
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; !await healthy(url); tries++) {
    if (!running || tries > 400) throw new Error(`the server did not come up: ${printed}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  return { url, home: `/calendars/users/${account.user}/`, data, stop }
}

/** One request as alice; `target` is a path of the server. */
export async function request (
  served: Served, method: string, target: string, body?: string, headers: Record<string, string> = {}
): Promise<Answer> {
  const type = body?.startsWith('BEGIN:') === true ? 'text/calendar; charset=utf-8' : 'application/xml; charset=utf-8'
  const answer = await fetch(served.url + target, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`,
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers
    },
    ...(body === undefined ? {} : { body })
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** The text of one property (`prefix:name` with D, C, CS or A) of a resource; undefined unless its propstat is 200. */
export async function property (served: Served, target: string, name: string): Promise<string | undefined> {
  const { text } = await request(served, 'PROPFIND', target, propfind(name), { depth: '0' })
  const local = name.replace(/^.*:/, '')
  for (const [propstat] of text.matchAll(/<(?:[\w-]+:)?propstat[\s>][^]*?<\/(?:[\w-]+:)?propstat>/g)) {
    if (!/HTTP\/1\.1 200/.test(propstat)) continue
    const found = new RegExp(`<(?:[\\w-]+:)?${local}(?:\\s[^>]*)?>([^<]*)<`).exec(propstat)
    if (found?.[1] !== undefined) return found[1]
  }
  return undefined
}

/** The decoded last segments of the hrefs in an answer, without the slash at the end. */
export function names (answer: Answer): string[] {
  return [...answer.text.matchAll(/<(?:[\w-]+:)?href[^>]*>([^<]+)</g)]
    .map(([, href = '']) => decodeURIComponent(href.replace(/\/$/, '').replace(/^.*\//, '')))
}

/** The body of a PROPFIND for these properties. */
export function propfind (...properties: string[]): string {
  return `<?xml version="1.0" encoding="utf-8"?><D:propfind ${namespaces}><D:prop>${properties.map(name => `<${name}/>`).join('')}</D:prop></D:propfind>`
}

/** For the root element of a request body: D, C, CS (calendarserver.org), A (Apple's iCal). */
export const namespaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'

/** A plain event of one hour on a day of June 2025. */
export function event (uid: string, summary: string, day = 1): string {
  const date = `202506${String(day).padStart(2, '0')}`
  return [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//caldavd//interop//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20250101T000000Z',
    `DTSTART:${date}T100000Z`, `DTEND:${date}T110000Z`, `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', ''
  ].join('\r\n')
}

/** What lies in `documents/` and is neither a directory nor an .ics file nor .properties.json: should be nothing. */
export function strays (data: string): string[] {
  return readdirSync(path.join(data, 'documents'), { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory() && !(entry.isFile() && (entry.name.endsWith('.ics') || entry.name === '.properties.json')))
    .map(entry => path.join(entry.parentPath, entry.name))
}

/** The names of the extended attributes of everything in `documents/`, as `getfattr` prints them; without those of other namespaces than user. */
export function attributeNames (data: string): string[] {
  const printed = execFileSync('getfattr', ['-R', '-d', path.join(data, 'documents')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return [...new Set([...printed.matchAll(/^(user\.[^=\n]+)/gm)].map(([, name = '']) => name))].sort()
}

function installed (name: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).map(directory => path.resolve(directory, name)).some(file => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function healthy (url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).status === 200
  } catch {
    return false
  }
}
