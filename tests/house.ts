import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { loadSettings } from '../conf/load.js'
import type { Settings } from '../conf/settings.js'
import { Store } from '../store/store.js'
import { readAccountsToml } from '../server/directory/accounts.js'
import { Directory } from '../server/directory/directory.js'
import { Delegates } from '../server/directory/proxy.js'
import { isOlder } from '../server/ical/version.js'
import { Login } from '../server/directory/login.js'
import { Sudoers } from '../server/directory/sudoers.js'
import { AccessLog } from '../server/http/access-log.js'
import { makeApp } from '../server/http/app.js'
import { describe } from '../server/ical/facts.js'
import { Locks } from '../server/site/lock.js'
import { homePlaces } from '../server/site/provision.js'
import { holdsObjects } from '../server/site/resource.js'
import type { Log, Site } from '../server/site/site.js'

/** A whole server on a temporary directory, without a socket. */
export interface House {
  readonly app: FastifyInstance
  readonly site: Site
  readonly store: Store
  /** Absolute: what people own. */
  readonly documents: string
  /** What the app takes for the port of HTTPS; a test that listens sets it. */
  readonly ports: { https?: number | undefined }
  /** Lines of the log from level warn. */
  readonly lines: string[]
  /** One request as a user (password = name), answered. The path begins with a slash. */
  readonly ask: (method: string, url: string, options?: { user?: string | undefined, body?: string | Buffer, headers?: Record<string, string> }) => Promise<Answer>
}

export interface Answer { readonly status: number, readonly headers: Record<string, string | undefined>, readonly body: string, readonly bytes: Buffer }

export interface HouseOptions {
  readonly users?: readonly string[]
  /** Further accounts in TOML. */
  readonly accounts?: string
  /** Dotted settings. */
  readonly settings?: Record<string, string>
  /** The clock of locks, in milliseconds. */
  readonly now?: () => number
  /** Watch the files (slower start). */
  readonly watch?: boolean
}

/** Makes a house that is torn down with the test. Every user's password is her name. */
export async function house (t: Test, { users = ['alice', 'bob'], accounts = '', settings: flags = {}, watch = false, now }: HouseOptions = {}): Promise<House> {
  const data = mkdtempSync(join(tmpdir(), 'caldavd-'))
  const settings: Settings = loadSettings({ environment: {}, flags: { 'data.directory': data, 'log.access': '', 'data.fsync': 'false', 'data.sweepSeconds': '0', ...flags } })
  const toml = users.map((name, number) => `[users.${name}]\nguid = "00000000-0000-0000-0000-00000000000${number + 1}"\nfullName = "${name[0]?.toUpperCase() ?? ''}${name.slice(1)} Example"\nemails = ["${name}@example.com"]\npassword = "plain:${name}"\n`).join('\n') + accounts
  const lines: string[] = []
  const log: Log = { error: line => { lines.push(line) }, warn: line => { lines.push(line) }, info: () => {}, debug: () => {} }
  const directory = new Directory(readAccountsToml(toml, 'accounts.toml', () => {}))
  const store = new Store({ documents: settings.data.documents, state: join(data, 'state'), durable: settings.data.fsync, history: { directory: settings.history.directory, days: () => settings.history.days, bytes: () => settings.history.bytes }, sweepSeconds: 0, describe, holdsObjects, isOlder, ...homePlaces, report: log.warn })
  const delegates = await Delegates.open({ file: settings.accounts.delegates, directory, log })
  const locks = new Locks(now)
  const site: Site = { settings, store, directory, delegates, locks, log }
  const login = new Login({ directory, realm: 'test', cacheSeconds: 300, now: Date.now })
  const ports: House['ports'] = {}
  const app = makeApp({ site, login, sudoers: new Sudoers({ file: () => settings.access.sudoers, log, now: Date.now }), access: new AccessLog(''), isReady: () => true, isStopping: () => false, tlsPort: () => ports.https })
  if (watch) await store.start()
  t.teardown(async () => {
    await app.close()
    await store.close()
    rmSync(data, { recursive: true, force: true })
  })
  const ask: House['ask'] = async (method, url, options = {}) => {
    const user = 'user' in options ? options.user : users[0]
    const authorization = user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}` }
    const answer = await app.inject({ method: method as 'GET', url, headers: { ...authorization, ...options.headers }, ...(options.body === undefined ? {} : { payload: options.body }) })
    return { status: answer.statusCode, headers: answer.headers as Record<string, string | undefined>, body: answer.body, bytes: answer.rawPayload }
  }
  return { app, site, store, ports, documents: settings.data.documents, lines, ask }
}
