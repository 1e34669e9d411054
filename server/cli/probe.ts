import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { ProbeError, probeServer, type Report, type Verdict } from '../admin/probe/probe.js'
import type { Finding } from '../admin/probe/visit.js'
import { ArgumentError, type Option } from './arguments.js'
import { askHidden, readLine } from './prompt.js'
import type { Io } from './user.js'

/** The options that only matter for a server at a URL. */
export const probeOptions = {
  user: { kind: 'text', short: 'u', value: 'NAME', meaning: 'with a URL: whose calendars; the password is asked for, or taken from CALDAVD_PASSWORD' },
  'password-stdin': { kind: 'switch', meaning: 'with a URL: take the password from the first line of standard input' },
  write: { kind: 'switch', meaning: 'with a URL: also make a calendar, write into it and remove it' },
  verbose: { kind: 'switch', short: 'v', meaning: 'with a URL: show every request and answer, without passwords' },
  insecure: { kind: 'switch', meaning: 'with a URL: send the password even if the certificate is not to be trusted' },
  ca: { kind: 'text', value: 'FILE', meaning: 'with a URL: also trust the authorities in this file (PEM)' }
} as const satisfies Record<string, Option>

/** What was typed after `caldavd doctor https://…`. */
export interface ProbeOptions {
  readonly json: boolean
  readonly user?: string | undefined
  readonly 'password-stdin'?: boolean | undefined
  readonly write?: boolean | undefined
  readonly verbose?: boolean | undefined
  readonly insecure?: boolean | undefined
  readonly ca?: string | undefined
}

/**
 * `caldavd doctor https://host/ --user NAME`: which client would fail where.
 * @returns 0 all work, 1 findings, 2 could not run
 * @throws ArgumentError for a command line that is wrong
 */
export async function probe (url: string, options: ProbeOptions, io: Io): Promise<number> {
  const { user } = options
  const typed = URL.canParse(url) ? new URL(url) : undefined
  if (typed === undefined || !/^https?:$/.test(typed.protocol)) throw new ArgumentError(`${url}: expected a URL like https://cal.example.org/`)
  if (typed.username !== '' || typed.password !== '') throw new ArgumentError('the URL holds a user or password, where others can read them: give --user NAME, the password is asked for')
  if (user === undefined || user === '') throw new ArgumentError('--user NAME is missing: whose calendars at that server?')
  const fail = (text: string): number => {
    io.stderr.write(`caldavd: ${plain(text)}\n`)
    return 2
  }
  let ca
  try {
    ca = options.ca === undefined ? undefined : [...rootCertificates, readFileSync(options.ca, 'utf8')]
  } catch (error) {
    return fail(`--ca: ${(error as Error).message}`)
  }
  const password = await passwordFor(`${user} at ${typed.host}`, options, io)
  if (password === undefined) return 2
  const line = progressLine(io)
  try {
    const report = await probeServer({
      url: typed, credentials: { user, password }, writes: options.write, isCareless: options.insecure, ca, progress: line.show,
      made: made => { io.stderr.write(plain(`caldavd: makes ${made} and removes it at the end\n`)) },
      ...options.verbose === true ? { tell: ({ sent, received }) => { io.stderr.write(plain(`${marked('>', sent)}\n${marked('<', received)}\n\n`)) } } : {}
    })
    line.clear()
    io.stdout.write(plain(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report)))
    return report.findings.length > 0 || report.clients.some(({ verdict }) => verdict !== 'works') ? 1 : 0
  } catch (error) {
    line.clear()
    if (!(error instanceof ProbeError)) throw error
    return fail(error.message)
  }
}

/** From standard input, the environment, or the terminal; undefined when there is none, which was said. */
async function passwordFor (whom: string, options: ProbeOptions, io: Io): Promise<string | undefined> {
  const refuse = (text: string): undefined => { io.stderr.write(`caldavd: ${text}\n`) }
  if (options['password-stdin'] === true) {
    const line = await readLine(io)
    return line === '' ? refuse('--password-stdin: there is no password on standard input') : line
  }
  const given = io.environment['CALDAVD_PASSWORD']
  if (given !== undefined && given !== '') return given
  if (io.stdin.isTTY !== true) return refuse('the password is asked for on a terminal; elsewhere give it on standard input with --password-stdin, or in CALDAVD_PASSWORD')
  const typed = await askHidden(`Password of ${whom}: `, io)
  return typed === undefined || typed === '' ? refuse('no password was given') : typed
}

function textOf ({ url, user, facts, findings, clients, requests }: Report): string {
  const width = Math.max(...clients.map(({ client }) => client.length)) + 2
  const blocks = clients.map(one => [`${one.client.padEnd(width)}${headline(one)}`, ...one.findings.flatMap(finding => paragraph(finding)), ...one.notes.map(note => `  (${note})`)].join('\n'))
  const head = [`${url} as ${user}`, ...facts.map(fact => `  ${fact}`), ...findings.flatMap(finding => paragraph(finding))]
  return [head.join('\n'), '', ...blocks, '', `${requests} requests`].join('\n') + '\n'
}

function headline ({ verdict, findings, about }: Verdict): string {
  const first = findings.find(({ severity }) => severity === 'fails')
  if (verdict === 'works') return `works  (${about})`
  return first === undefined ? `works, but  (${about})` : `fails: ${first.step}  (${about})`
}

function paragraph ({ severity, step, asked, came, problem, advice }: Finding): string[] {
  const rows = [['asked', asked], ['came', came], ['do', advice]].filter(([, text]) => text !== '')
  return [`  ${severity === 'fails' ? '✗' : '!'} ${step}: ${problem}`, ...rows.map(([word = '', text = '']) => `      ${word.padEnd(6)} ${text}`)]
}

function marked (mark: string, text: string): string {
  return text.split('\n').map(line => `${mark} ${line}`).join('\n')
}

/** Without what a server could make a terminal do; line ends stay. */
function plain (text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}

/** One line on a terminal that is written over. */
function progressLine ({ stderr }: Io): { readonly show: (text: string) => void, readonly clear: () => void } {
  if ((stderr as { readonly isTTY?: boolean }).isTTY !== true) return { show: () => {}, clear: () => {} }
  const clear = (): void => { stderr.write('\r\x1b[K') }
  return {
    show: text => {
      clear()
      stderr.write(plain(text).slice(0, 70))
    },
    clear
  }
}
