import { existsSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../conf/settings.js'
import { makeDirectories } from '../store/file.js'
import { lock } from '../store/lock.js'
import { Store } from '../store/store.js'
import { AppPasswords } from './directory/app-password.js'
import { strangersIn } from './acl/principal.js'
import { noteAddress } from './admin/doctor/address.js'
import { addUser } from './directory/edit.js'
import { Login } from './directory/login.js'
import { makePassword } from './directory/password.js'
import { nameProblem } from './directory/record.js'
import { Delegates } from './directory/proxy.js'
import { Source } from './directory/source.js'
import { Sudoers } from './directory/sudoers.js'
import { AccessLog } from './http/access-log.js'
import { makeApp } from './http/app.js'
import { listen, type Listening } from './http/listen.js'
import { makeLog } from './http/log.js'
import { describe } from './ical/facts.js'
import { isOlder } from './ical/version.js'
import { systemZones } from './ical/zone-source.js'
import { Locks } from './site/lock.js'
import { homePlaces } from './site/provision.js'
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
    const source = await Source.open({ ...settings.accounts, ldap: settings.ldap, state: stateOf(settings), realm: settings.authentication.realm, origin: settings.server.baseUrl, log })
    const delegates = await Delegates.open({ file: settings.accounts.delegates, directory: source.directory, log })
    const access = new AccessLog(settings.log.access)
    undo.push(() => { access.close() })
    const store = new Store({
      documents: settings.data.documents,
      state: stateOf(settings),
      durable: settings.data.fsync,
      history: { directory: settings.history.directory, days: () => settings.history.days, bytes: () => settings.history.bytes },
      sweepSeconds: settings.data.sweepSeconds,
      describe,
      knowledge: `time zones ${systemZones().version()}`,
      holdsObjects,
      isOlder,
      ...homePlaces,
      report: message => { log.warn(message) }
    })
    undo.push(async () => { await store.close() }, source.watch(2), delegates.watch(2))
    const site: Site = { get settings () { return settings }, store, directory: source.directory, delegates, locks: new Locks(), log }
    const appPasswords = await AppPasswords.open({ file: settings.accounts.appPasswords, log })
    undo.push(appPasswords.watch(2))
    const login = new Login({ ...settings.authentication, directory: source.directory, verify: source.verify, appPasswords, now: Date.now, log })
    const sudoers = new Sudoers({ file: () => settings.access.sudoers, log, now: Date.now })
    let listening: Listening | undefined
    const app = makeApp({ site, login, sudoers, access, isReady: () => ready && !stopping, isStopping: () => stopping, tlsPort: () => listening?.tlsPort })
    undo.push(async () => { await (listening === undefined ? app.close() : listening.close(patience)) })
    await store.start()
    listening = await listen(app, () => settings, log)
    undo.push(noteAddress(stateOf(settings), listening.urls))
    tellStrangers(site)
    tellUnused(settings, message => { log.warn(message) })
    ready = true
    return {
      url: settings.server.baseUrl === undefined ? listening.urls[0] ?? '' : `${settings.server.baseUrl}/`,
      first,
      site,
      reload: async next => {
        tellFixed(settings, next, message => { log.warn(message) })
        if (listening.tlsPort === undefined && next.tls.certificate !== undefined) log.warn('tls.certificate has come into the settings: HTTPS needs a restart')
        settings = next
        access.reopen()
        listening.reload()
        await source.reload()
        tellStrangers(site)
        await delegates.refresh()
        await appPasswords.refresh()
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

/** A setting that has no effect without another is a mistake that nobody would notice. */
function tellUnused ({ authentication, tls }: Settings, tell: (message: string) => void): void {
  const { proxyHeader, proxyAddresses } = authentication
  if (proxyHeader !== undefined && proxyAddresses.length === 0) tell('authentication.proxyHeader is believed from nobody: authentication.proxyAddresses is empty')
  if (tls.certificate === undefined && (tls.redirect || tls.key !== undefined)) tell('there is no HTTPS: tls.certificate is not set')
}

const fixed = ['server.port', 'server.bind', 'server.requestSeconds', 'tls.port', 'tls.only', 'data.directory', 'data.documents', 'data.fsync', 'data.sweepSeconds', 'history.directory', 'accounts.file', 'accounts.groups', 'ldap.url', 'ldap.startTls', 'ldap.base', 'ldap.bindDn', 'ldap.bindPassword', 'ldap.userFilter', 'ldap.groupFilter', 'ldap.refreshSeconds', 'accounts.delegates', 'accounts.appPasswords', 'authentication.realm', 'authentication.basic', 'authentication.digest', 'authentication.plainBasic', 'authentication.cacheSeconds', 'authentication.outageSeconds', 'authentication.failures', 'authentication.lockSeconds', 'authentication.lockMostSeconds', 'limits.bodyBytes', 'log.access'] as const

// what was built into the running server stays until it is started again
function tellFixed (before: Settings, after: Settings, tell: (message: string) => void): void {
  for (const name of fixed) {
    const [group, key] = name.split('.') as [keyof Settings, string]
    if ((before[group] as Record<string, unknown>)[key] !== (after[group] as Record<string, unknown>)[key]) tell(`${name} has changed in the settings: that needs a restart`)
  }
}

// an administrator whose name is misspelt is nobody, and nobody would notice
function tellStrangers (site: Site): void {
  for (const key of ['admins', 'readers'] as const) {
    for (const entry of strangersIn(site, site.settings.access[key])) site.log.warn(`access.${key}: nobody is called ${JSON.stringify(entry)}, expected accounts like "users/alice" or "groups/staff"`)
  }
}
