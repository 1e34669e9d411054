import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Login } from '../../../server/directory/login.js'
import { Sudoers } from '../../../server/directory/sudoers.js'
import { AccessLog } from '../../../server/http/access-log.js'
import { makeApp } from '../../../server/http/app.js'
import { house, type House } from '../../house.js'

const home = '/calendars/users/alice/'
const basic = (name: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` })
const find = { depth: '0' }

/** The status for a PROPFIND of alice's home. */
async function status ({ app }: House, headers: Record<string, string>, remoteAddress = '127.0.0.1', url = home): Promise<number> {
  return (await app.inject({ method: 'PROPFIND' as 'GET', url, remoteAddress, headers: { ...find, ...headers } })).statusCode
}

t.test('the header of a trusted proxy', async t => {
  const it = await house(t, { settings: { 'authentication.proxyHeader': 'X-Remote-User', 'authentication.proxyAddresses': '10.0.0.1, fd00::/8' } })
  for (const [why, headers, from, expected] of [
    ['from a listed proxy', { 'x-remote-user': 'alice' }, '10.0.0.1', 207], ['of a listed network', { 'x-remote-user': 'alice' }, 'fd00::7', 207],
    ['from loopback, which is not listed', { 'x-remote-user': 'alice' }, '127.0.0.1', 401], ['from elsewhere', { 'x-remote-user': 'alice' }, '10.0.0.2', 401],
    ['somebody who says to be behind the proxy', { 'x-remote-user': 'alice', 'x-forwarded-for': '10.0.0.1' }, '127.0.0.1', 401],
    ['nobody', { 'x-remote-user': 'eve' }, '10.0.0.1', 403], ['two', { 'x-remote-user': 'alice, bob' }, '10.0.0.1', 403], ['empty', { 'x-remote-user': '' }, '10.0.0.1', 401],
    ['not sent', {}, '10.0.0.1', 401], ['before a password', { 'x-remote-user': 'alice', ...basic('bob', 'bob') }, '10.0.0.1', 207], ['not sent, but a password', basic('alice', 'alice'), '127.0.0.1', 207],
    ['from elsewhere it is no reason to refuse a password', { 'x-remote-user': 'bob', ...basic('alice', 'alice') }, '127.0.0.1', 207],
    ['as somebody else', { 'x-remote-user': 'alice', 'x-authorize-as': 'bob' }, '10.0.0.1', 403]
  ] as const) t.equal(await status(it, headers as unknown as Record<string, string>, from), expected, why)
  const off = await house(t)
  t.equal(await status(off, { 'x-remote-user': 'alice' }), 401, 'off without the setting')
})

const plist = (...users: (readonly [string, string])[]) => `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>users</key><array>${users.map(([name, password]) => `<dict><key>username</key><string>${name}</string><key>password</key><string>${password}</string></dict>`).join('')}</array></dict></plist>`

async function withSudoers (t: Test): Promise<House & { readonly file: string }> {
  const file = join(t.testdir(), 'sudoers.plist')
  writeFileSync(file, plist(['super', 'secret'], ['other', 'o']))
  return { ...await house(t, { settings: { 'access.sudoers': file }, accounts: '\n[groups.club]\nguid = "c"\nfullName = "Club"\nmembers = ["users/alice"]\n' }), file }
}

t.test('sudo: X-Authorize-As', async t => {
  const it = await withSudoers(t)
  const as = (name: string) => ({ 'x-authorize-as': name })
  for (const [why, headers, expected] of [
    ['a sudoer as a user', { ...basic('super', 'secret'), ...as('alice') }, 207],
    ['as another user, who may not', { ...basic('super', 'secret'), ...as('bob') }, 403],
    ['for nobody', basic('super', 'secret'), 400], ['for nobody, empty', { ...basic('super', 'secret'), ...as(' ') }, 400],
    ['for who does not exist', { ...basic('super', 'secret'), ...as('eve') }, 403], ['for a sudoer', { ...basic('super', 'secret'), ...as('other') }, 403], ['for herself', { ...basic('super', 'secret'), ...as('super') }, 403],
    ['a wrong password', { ...basic('super', 'wrong'), ...as('alice') }, 401], ['a wrong password alone', basic('super', 'wrong'), 401],
    ['a user is no sudoer', { ...basic('alice', 'alice'), ...as('alice') }, 403], ['a user for another', { ...basic('bob', 'bob'), ...as('alice') }, 403],
    ['who has not logged in', as('alice'), 401], ['a user with a wrong password', { ...basic('alice', 'x'), ...as('alice') }, 401],
    ['a user as ever', basic('alice', 'alice'), 207]
  ] as const) t.equal(await status(it, headers as unknown as Record<string, string>), expected, why)
  t.equal(await status(it, { ...basic('super', 'secret'), ...as('club') }, '127.0.0.1', '/principals/groups/club/'), 207, 'as a group')
  t.equal(await status(it, { ...basic('super', 'secret'), ...as('alice') }, '192.0.2.1'), 403, 'not over plain HTTP from elsewhere')

  writeFileSync(it.file, plist(['super', 'new']))
  t.equal(await status(it, { ...basic('super', 'secret'), ...as('alice') }), 401, 'the file is read again')
  t.equal(await status(it, { ...basic('super', 'new'), ...as('alice') }), 207)
  t.same(it.lines, [])
  writeFileSync(it.file, '<plist')
  t.equal(await status(it, { ...basic('super', 'new'), ...as('alice') }), 207, 'a broken one keeps those of before')
  t.match(it.lines.splice(0).join(), /access\.sudoers stays as it was: .*sudoers\.plist/)

  const login = new Login({ directory: it.site.directory, realm: 'test', cacheSeconds: 300, now: Date.now })
  const file = join(it.documents, 'access.log')
  const access = new AccessLog(file)
  const app = makeApp({ site: it.site, login, access, sudoers: new Sudoers({ file: () => it.file, log: it.site.log, now: Date.now }), isReady: () => true, isStopping: () => false, tlsPort: () => undefined })
  t.teardown(async () => { await app.close() })
  writeFileSync(it.file, plist(['super', 'new']))
  await app.inject({ url: home, headers: { ...basic('super', 'new'), ...as('alice'), 'x-forwarded-for': '192.0.2.55', 'x-forwarded-proto': 'https' } })
  access.close()
  await new Promise(resolve => setTimeout(resolve, 100))
  t.match(readFileSync(file, 'utf8'), /^192\.0\.2\.55 - "super as alice" \[/)
})

t.test('guessing the password of a sudoer ends', async t => {
  const it = await withSudoers(t)
  let now = 0
  const sudoers = new Sudoers({ file: () => it.file, log: it.site.log, now: () => now })
  const header = (password: string) => basic('super', password).authorization
  for (let guess = 0; guess < 10; guess++) t.equal(sudoers.verify(header(`g${guess}`), '192.0.2.1'), undefined)
  t.throws(() => sudoers.verify(header('secret'), '192.0.2.1'), { name: 'DavError', message: 'too many wrong passwords: try again in 60 s' })
  now = 61_000
  t.equal(sudoers.verify(header('secret'), '192.0.2.1'), 'super')
  t.equal(sudoers.verify(undefined, '192.0.2.1'), undefined)
  t.equal(sudoers.verify('Bearer x', '192.0.2.1'), undefined)
})
