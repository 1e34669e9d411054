import { existsSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../conf/settings.js'
import { makeDirectories } from '../store/file.js'
import { lock } from '../store/lock.js'
import { Store } from '../store/store.js'
import { addUser } from './directory/edit.js'
import { Login } from './directory/login.js'
import { makePassword } from './directory/password.js'
import { nameProblem } from './directory/record.js'
import { Source } from './directory/source.js'
import { AccessLog } from './http/access-log.js'
import { makeApp } from './http/app.js'
import { makeLog } from './http/log.js'
import { describe } from './ical/facts.js'
import { holdsObjects } from './site/resource.js'
import type { Site } from './site/site.js'

/** An account made at the first start; the password is known only now. */
export interface FirstAccount { readonly name: string, readonly password: string }

/** A running server. */
export interface Running {
  /** Where clients reach it: `http://127.0.0.1:8008/`. */
  readonly url: string
  readonly first: FirstAccount | undefined
  readonly site: Site
  /** Reads accounts again, opens logs anew, compares all files with the index; with new settings, what can change does. */
  reload: (settings: Settings) => Promise<void>
  /** Finishes what is in flight and stops. */
  close: () => Promise<void>
}

/** Where a data directory keeps what can be made again. */
function stateOf (settings: Settings): string {
  return `${settings.data.directory}/state`
}

/**
 * Settings → a server that answers.
 * @throws StoreError, AccountsError, or the system's error when it cannot listen
 */
export async function start (initial: Settings): Promise<Running> {
  let settings = initial
  let ready = false
  let stopping = false
  const log = makeLog(() => settings)
  // calendars are private: what is made here is for this user alone, what is there already stays as it is
  makeDirectories(settings.data.directory, 0o700)
  const undo: (() => void | Promise<void>)[] = [lock(stateOf(settings))]
  try {
    const first = await makeFirstAccount(settings)
    // a start that fails must not keep a password that nobody has seen
    if (first !== undefined) undo.push(() => { if (!ready) rmSync(settings.accounts.file) })
    const source = await Source.open({ ...settings.accounts, origin: settings.server.baseUrl, log })
    const access = new AccessLog(settings.log.access)
    undo.push(() => { access.close() })
    const store = new Store({
      documents: settings.data.documents,
      state: stateOf(settings),
      durable: settings.data.fsync,
      sweepSeconds: settings.data.sweepSeconds,
      describe,
      holdsObjects,
      homeDepth: 3,
      report: message => { log.warn(message) }
    })
    undo.push(async () => { await store.close() }, source.watch(2))
    const site: Site = { get settings () { return settings }, store, directory: source.directory, log }
    const login = new Login({ directory: source.directory, realm: settings.authentication.realm, cacheSeconds: settings.authentication.cacheSeconds, now: Date.now, log })
    const app = makeApp({ site, login, access, isReady: () => ready && !stopping, isStopping: () => stopping })
    undo.push(async () => { await closeApp(app) })
    await store.start()
    await app.listen({ port: settings.server.port, host: settings.server.bind })
    ready = true
    return {
      url: urlOf(app.server.address(), settings),
      first,
      site,
      reload: async next => {
        tellFixed(settings, next, message => { log.warn(message) })
        settings = next
        access.reopen()
        await source.reload()
        await store.sweep()
      },
      close: async () => {
        stopping = true
        await undoAll(undo)
      }
    }
  } catch (error) {
    await undoAll(undo).catch(() => { /* the first failure is the one to tell */ })
    throw error
  }
}

/** What is in flight may end; who takes longer than this (ms) is cut off. */
const patience = 30_000

async function closeApp (app: ReturnType<typeof makeApp>): Promise<void> {
  const impatient = setTimeout(() => { app.server.closeAllConnections() }, patience).unref()
  await app.close()
  clearTimeout(impatient)
}

/** Undoes what was begun, last first; a step that fails does not keep the others from being taken. @throws the first failure */
async function undoAll (steps: (() => void | Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

async function makeFirstAccount (settings: Settings): Promise<FirstAccount | undefined> {
  const { file } = settings.accounts
  // a file that somebody named and that is not there is a mistake, not a first start
  if (existsSync(file) || file !== join(settings.data.directory, 'conf', 'accounts.toml')) return undefined
  const user = userInfo().username
  const name = user === 'root' || nameProblem(user) !== undefined ? 'admin' : user
  const password = makePassword()
  await addUser(file, { name, fullName: name, password })
  return { name, password }
}

function urlOf (address: ReturnType<import('node:net').Server['address']>, { server }: Settings): string {
  if (server.baseUrl !== undefined) return `${server.baseUrl}/`
  if (address === null || typeof address === 'string') return `http://${server.bind}/`
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}/`
}

const fixed = ['server.port', 'server.bind', 'server.requestSeconds', 'data.directory', 'data.documents', 'data.fsync', 'data.sweepSeconds', 'accounts.file', 'authentication.realm', 'authentication.cacheSeconds', 'limits.bodyBytes', 'log.access'] as const

// what was built into the running server stays until it is started again
function tellFixed (before: Settings, after: Settings, tell: (message: string) => void): void {
  for (const name of fixed) {
    const [group, key] = name.split('.') as [keyof Settings, string]
    if ((before[group] as Record<string, unknown>)[key] !== (after[group] as Record<string, unknown>)[key]) tell(`${name} has changed in the settings: that needs a restart`)
  }
}
