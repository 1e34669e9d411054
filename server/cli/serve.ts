import { loadSettings, SettingsError } from '../../conf/load.js'
import type { Settings } from '../../conf/settings.js'
import { StoreError } from '../../store/error.js'
import { AccountsError } from '../directory/accounts.js'
import { TlsError } from '../http/tls.js'
import { start, type Running } from '../main.js'
import { ArgumentError, helpText, parseArguments, settingFlags, settingOptions, type Usage } from './arguments.js'
import type { Io } from './user.js'

/** How `serve` is called. */
export const serveUsage = {
  command: 'caldavd serve',
  meaning: 'Starts the server. The first start makes the data directory and an account, and prints its password.',
  options: settingOptions
} as const satisfies Usage

/** `caldavd serve`: runs until SIGTERM or SIGINT. @returns the exit code: 0 stopped as told, 1 could not start, 2 wrong command line */
export async function serve (argv: readonly string[], io: Io): Promise<number> {
  let running: Running
  let load: () => Settings
  try {
    const { options, help } = parseArguments(serveUsage, argv)
    if (help) {
      io.stdout.write(helpText(serveUsage))
      return 0
    }
    load = () => loadSettings({ file: options.config, environment: io.environment, flags: settingFlags(options), warn: text => { io.stderr.write(`caldavd: ${text}\n`) } })
    running = await start(load())
  } catch (error) {
    const line = explain(error)
    if (line === undefined) throw error
    io.stderr.write(`caldavd: ${line}\n`)
    return error instanceof ArgumentError ? 2 : 1
  }
  greet(running, io)
  return await untilStopped(running, load, io)
}

/** One line for what may go wrong at a start; `undefined` for what is our mistake. */
function explain (error: unknown): string | undefined {
  if (error instanceof ArgumentError || error instanceof SettingsError || error instanceof AccountsError || error instanceof StoreError || error instanceof TlsError) return error.message
  const { code, port, address } = error as { code?: string, port?: number, address?: string }
  if (code === 'EADDRINUSE') return `port ${port ?? ''} of ${address ?? ''} is in use: stop the other program, or choose another port with --port, or tls.port for HTTPS`
  if (code === 'EACCES' && port !== undefined) return `port ${port} needs more rights: choose one above 1023 with --port`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `this machine has no address ${address ?? ''}: see --bind`
  return typeof code === 'string' && error instanceof Error && 'syscall' in error ? error.message : undefined
}

function greet ({ url, first, site }: Running, io: Io): void {
  const { documents } = site.settings.data
  const command = io.environment['COMMAND_NAME'] ?? 'caldavd'
  const lines = ['caldavd is ready. Give a calendar client this address:', '', `    Address   ${url}`]
  if (first !== undefined) {
    lines.push(`    Name      ${first.name}`, `    Password  ${first.password}`, '', `The password is shown only now. "${command} user passwd" changes it, "${command} user add" adds people.`)
  }
  lines.push('', `The calendars are in ${documents}`, '')
  io.stdout.write(lines.join('\n'))
}

async function untilStopped (running: Running, load: () => Settings, io: Io): Promise<number> {
  return await new Promise(resolve => {
    let stopping = false
    const stop = (): void => {
      if (stopping) return
      stopping = true
      running.close().then(() => { resolve(0) }, (error: unknown) => {
        io.stderr.write(`caldavd: ${error instanceof Error ? error.message : String(error)}\n`)
        resolve(1)
      })
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => { void reload(running, load, io) })
  })
}

async function reload (running: Running, load: () => Settings, io: Io): Promise<void> {
  try {
    await running.reload(load())
  } catch (error) {
    io.stderr.write(`caldavd: settings stay as they were: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
