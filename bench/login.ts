import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAccountsToml } from '../server/directory/accounts.js'
import { addAppPassword, AppPasswords } from '../server/directory/app-password.js'
import { Directory } from '../server/directory/directory.js'
import { Login, type LoginContext } from '../server/directory/login.js'
import { hashPassword } from '../server/directory/password.js'

/** What a login costs (microseconds, the median of many rounds), with 1000 accounts: `node dist/bench/login.js`. */

const context: LoginContext = { address: '192.0.2.7', method: 'PROPFIND', url: '/calendars/users/u500/', secure: true, local: false }
const accounts = (password: string) => readAccountsToml(Array.from({ length: 1000 }, (_, i) => `[users.u${i}]\npassword = "${password}"`).join('\n'), 'bench', () => {})
const basic = (user: string, password: string) => 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64')

/** @param work  is given the number of the run; its time is divided by `size` */
async function median (rounds: number, size: number, work: (run: number) => unknown): Promise<number> {
  const times: number[] = []
  for (let round = 0, run = 0; round < rounds; round++) {
    const from = performance.now()
    for (let i = 0; i < size; i++) {
      const result = work(run++)
      if (result instanceof Promise) await result
    }
    times.push((performance.now() - from) * 1000 / size)
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
}

const report = (what: string, microseconds: number) => { process.stdout.write(`${what.padEnd(48)} ${microseconds.toFixed(1).padStart(10)} µs\n`) }
const demand = (isRight: boolean) => { if (!isRight) throw new Error('the login failed') }

const directory = mkdtempSync(join(tmpdir(), 'caldavd-bench-'))
try {
  const appPasswords = await AppPasswords.open({ file: join(directory, 'app-passwords.toml'), log: { info: () => {}, error: () => {} } })
  const hashed = new Login({ directory: new Directory(accounts(await hashPassword('secret'))), realm: 'r', cacheSeconds: 300, now: Date.now, appPasswords })
  report('Basic, the first time (scrypt)', await median(11, 1, async run => { demand(await hashed.identify(basic(`u${run}`, 'secret'), context) !== undefined) }))
  report('Basic, verified before', await median(51, 2000, () => { demand(hashed.remembered(basic('u1', 'secret'), context) !== undefined) }))
  const made = await addAppPassword(join(directory, 'app-passwords.toml'), { user: 'u500', name: 'bench', readOnly: false })
  await appPasswords.refresh()
  const fresh = new Login({ directory: new Directory(accounts('plain:x')), realm: 'r', cacheSeconds: 0, now: Date.now, appPasswords })
  report('app password, the first time', await median(51, 200, async () => { demand(await fresh.identify(basic('u500', made), context) !== undefined) }))
  const clear = new Login({ directory: new Directory(accounts('plain:x')), realm: 'r', cacheSeconds: 300, now: Date.now })
  for (const [at, algorithm] of ['sha256', 'md5'].entries()) {
    const challenge = clear.challenges(context)[at] ?? ''
    const hash = (text: string) => createHash(algorithm).update(text).digest('hex')
    const field = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(challenge)?.[1] ?? ''
    const [secret, target] = [hash('u500:r:x'), hash(`PROPFIND:${context.url}`)]
    const answers = Array.from({ length: 51 * 200 }, (_, run) => {
      const count = (run + 1).toString(16).padStart(8, '0')
      return `Digest username="u500", realm="r", nonce="${field('nonce')}", uri="${context.url}", algorithm=${field('algorithm')}, qop=auth, nc=${count}, cnonce="c", response="${hash(`${secret}:${field('nonce')}:${count}:c:auth:${target}`)}"`
    })
    report(`Digest, each time (${field('algorithm')})`, await median(51, 200, async run => { demand(await clear.identify(answers[run], context) !== undefined) }))
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
