import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from './run.js'
import { account, missing, serve } from './server.js'
import { roomFor } from './room.js'

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bin', 'caldavd.js')

t.test('curl logs in by Digest, by Basic, and with an app password', { skip: missing('curl') }, async t => {
  const directory = roomFor(t)
  const served = await serve(t, path.join(directory, 'data'))
  if (served.data === undefined) return
  const { data } = served
  const curl = async (...options: string[]): Promise<string> => {
    const { printed } = await run('curl', ['-s', '-o', path.join(directory, 'body'), '-w', '%{http_code}', '-X', 'PROPFIND', '-H', 'Depth: 0', ...options, served.url + served.home], { cwd: directory })
    return printed
  }
  const right = `${account.user}:${account.password}`
  for (const [options, status] of [
    [['--digest', '-u', right], '207'], [['--anyauth', '-u', right], '207'], [['--basic', '-u', right], '207'], [['--digest', '-u', `${account.user}:wrong`], '401'], [['--basic', '-u', `${account.user}:wrong`], '401'], [[], '401'],
    [['-H', 'Authorization: Digest username="alice"'], '400']
  ] as const) t.equal(await curl(...options), status, options.join(' '))
  const printed = execFileSync(process.execPath, [program, 'app-password', 'add', account.user, 'curl', '--read-only', '--data', data, '--accounts', `${data}-accounts.xml`], { encoding: 'utf8' })
  const made = /: ([\w-]+)\n/.exec(printed)?.[1] ?? ''
  for (let tries = 0; tries < 40 && await curl('-u', `${account.user}:${made}`) !== '207'; tries++) await new Promise(resolve => setTimeout(resolve, 250))
  t.equal(await curl('-u', `${account.user}:${made}`), '207')
  t.equal(await curl('-u', `${account.user}:${made}`, '-X', 'MKCALENDAR'), '403', 'it is read-only')
})
