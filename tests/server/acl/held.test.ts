import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { versions } from '../../../store/history/list.js'
import { properties } from '../../../store/property.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { ace, ns, person, share } from './share.js'

// What is served from the index alone is hidden from whom it was hidden before.

const home = '/calendars/users/alice/'
const work = `${home}work/`
const secret = `${work}secret.ics`
const mark = `<D:propertyupdate ${ns}><D:set><D:prop><x xmlns="urn:x">kept</x></D:prop></D:set></D:propertyupdate>`
const asked = `<D:propfind ${ns}><D:prop><x xmlns="urn:x"/></D:prop></D:propfind>`

/** A calendar that bob may read, but for one event. @param isFull  the attributes of that have no room for its list */
async function shared (t: Test, isFull = false): Promise<House & { readonly disk: string, readonly hide: () => Promise<void>, readonly isHidden: (url?: string) => Promise<boolean> }> {
  const built = await house(t)
  const { ask, documents } = built
  await ask('MKCALENDAR', work)
  await share(ask, work, [ace(person('users/bob'), ['<D:read/>'])])
  await ask('PUT', `${work}open.ics`, { body: event('open'), headers: calendarType })
  const hide = async (): Promise<void> => {
    await ask('PUT', secret, { body: event('secret'), headers: calendarType })
    if (isFull) t.equal((await ask('PROPPATCH', secret, { body: mark.replace('urn:x', 'urn:y').replace('kept', randomBytes(2800).toString('base64')) })).status, 207)
    await share(ask, secret, [ace(person('users/bob'), ['<D:all/>'], 'deny')])
    t.equal((await ask('PROPPATCH', secret, { body: mark })).status, 207)
  }
  const isHidden = async (url = secret): Promise<boolean> => {
    const one = await ask('GET', url, { user: 'bob' })
    const all = await ask('PROPFIND', url.slice(0, url.lastIndexOf('/') + 1), { user: 'bob', headers: { depth: '1' } })
    t.match(all.body, 'open.ics')
    return one.status !== 200 && !all.body.includes(url)
  }
  return { ...built, disk: join(documents, work), hide, isHidden }
}

/** The calendar as it was an hour ago. @param without  a name that was not in it yet */
function backUp (disk: string, backup: string, without = ''): void {
  const before = new Date(statSync(disk).mtimeMs - 3600_000)
  execFileSync('cp', ['-a', disk, backup])
  if (without !== '') rmSync(join(backup, without))
  utimesSync(backup, before, before)
}

for (const [what, touch] of [
  ['PUT', async ({ ask }: House) => await ask('PUT', secret, { body: event('secret', { SUMMARY: 'other' }), headers: calendarType })],
  ['PROPPATCH', async ({ ask }: House) => await ask('PROPPATCH', secret, { body: mark.replace('kept', 'new') })],
  ['MOVE', async ({ ask }: House) => await ask('MOVE', secret, { headers: { destination: `${work}moved.ics` } })],
  ['MOVE of the calendar', async ({ ask }: House) => await ask('MOVE', work, { headers: { destination: `${home}moved/` } })]
] as const) {
  for (const [isOlder, isFull] of [[false, false], [true, false], [false, true], [true, true]] as const) {
    t.test(`an event that a backup ${isOlder ? 'has in an older state' : 'does not have'} stays hidden, also after ${what}${isFull ? ', when attributes have no room for its list' : ''}`, async t => {
      const it = await shared(t, isFull)
      const { ask, disk, isHidden, hide, documents } = it
      if (isOlder) await ask('PUT', secret, { body: event('secret', { SUMMARY: 'earlier' }), headers: calendarType })
      if (isOlder) utimesSync(`${disk}secret.ics`, new Date(Date.now() - 7200_000), new Date(Date.now() - 7200_000))
      backUp(disk, `${documents}/../backup`)
      await hide()
      t.ok(await isHidden())
      execFileSync('rsync', ['-a', '--delete', `${documents}/../backup/`, disk])
      t.ok(await isHidden(), 'it is held')
      t.equal((await ask('GET', secret)).status, 200)
      t.match((await ask('PROPFIND', secret, { headers: { depth: '0' }, body: asked })).body, '>kept<', 'with its other properties')
      const answer = await touch(it)
      t.ok(answer.status < 300, `${what} ${answer.status}`)
      const now = what === 'MOVE' ? `${work}moved.ics` : what === 'MOVE of the calendar' ? `${home}moved/secret.ics` : secret
      t.ok(await isHidden(now), 'and it is there')
      if (what !== 'MOVE of the calendar') t.match(properties(dirname(join(documents, now)), basename(now)).get('{urn:x}x'), what === 'PROPPATCH' ? '>new<' : '>kept<')
      t.equal((await ask('GET', now)).status, 200)
    })
  }
}

t.test('a calendar that gets another name by hand is not seen for a moment as it was not meant', async t => {
  const { ask, disk, documents, isHidden, hide } = await shared(t)
  await hide()
  const sync = async (token: string): Promise<string> => (await ask('REPORT', home, { user: 'bob', body: `<D:sync-collection ${ns}><D:sync-token>${token}</D:sync-token><D:sync-level>infinite</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>` })).body
  const token = /<sync-token>(.*?)</.exec((await sync('')).replace(/D:/g, ''))?.[1] ?? ''
  renameSync(disk, join(documents, home, 'other'))
  await ask('PROPFIND', `${home}other/`, { headers: { depth: '1' } })
  t.ok(await isHidden(`${home}other/secret.ics`))
  t.notMatch(await sync(token), 'secret', 'neither there nor gone')
})

t.test('what a hand removes has its list and properties when it is undone', async t => {
  const { store, disk, documents, hide, ask } = await shared(t)
  await hide()
  rmSync(`${disk}secret.ics`)
  t.equal((await ask('GET', secret)).status, 404)
  await store.home(['calendars', 'users', 'alice'])?.idle()
  const history = `${documents}/../history`
  const [version] = versions(history, `${work.slice(1)}secret.ics`)
  t.match(readFileSync(version?.file ?? '', 'utf8'), 'UID:secret')
  const kept = properties(join(version?.file ?? '', '..'), version?.file.split('/').at(-1) ?? '')
  t.match(kept.get('{DAV:}acl'), 'deny')
  t.match(kept.get('{urn:x}x'), '>kept<')
})

t.test('a hand that copies it to where it was missing hides it still', async t => {
  for (const isFull of [false, true]) {
    const { ask, disk, documents, hide, isHidden } = await shared(t, isFull)
    backUp(disk, `${documents}/../backup`)
    await hide()
    const body = readFileSync(`${disk}secret.ics`)
    execFileSync('rsync', ['-a', '--delete', `${documents}/../backup/`, disk])
    t.ok(await isHidden())
    writeFileSync(`${disk}secret.ics`, body)
    t.ok(await isHidden(), 'the same')
    writeFileSync(`${disk}secret.ics`, event('secret', { SUMMARY: 'another' }))
    t.equal((await ask('GET', secret)).status, 200)
    t.ok(await isHidden(), 'another')
  }
})

t.test('what was hidden while it was broken is hidden when it is held', async t => {
  const { ask, disk, documents, hide, isHidden } = await shared(t)
  await hide()
  await share(ask, secret, [])
  t.notOk(await isHidden())
  backUp(disk, `${documents}/../backup`, 'secret.ics')
  writeFileSync(`${disk}secret.ics`, 'BEGIN:VCAL')
  t.equal((await ask('GET', secret)).status, 200)
  await share(ask, secret, [ace(person('users/bob'), ['<D:all/>'], 'deny')])
  t.ok(await isHidden())
  execFileSync('rsync', ['-a', '--delete', `${documents}/../backup/`, disk])
  t.ok(await isHidden())
  t.equal((await ask('GET', secret)).status, 200)
})

t.test('removed a moment before its calendar goes back, it is hidden too, wherever its list was', async t => {
  for (const isFull of [false, true]) {
    const { ask, disk, documents, hide, isHidden, store } = await shared(t, isFull)
    backUp(disk, `${documents}/../backup`)
    await hide()
    const before = new Date(Date.now() - 3600_000)
    // as rsync does: first this, the time of the directory last
    rmSync(`${disk}secret.ics`)
    t.equal((await ask('GET', secret)).status, 404)
    await store.home(['calendars', 'users', 'alice'])?.idle()
    utimesSync(disk, before, before)
    await new Promise(resolve => setTimeout(resolve, 10))
    t.ok(await isHidden())
    t.equal((await ask('GET', secret)).status, 200, 'it is held')
  }
})

t.test('a client that moves something over what is held has decided', async t => {
  const { ask, disk, documents } = await shared(t)
  const old = new Date(Date.now() - 7200_000)
  const play = `${home}play/`
  await ask('MKCALENDAR', play)
  await ask('PUT', `${play}other.ics`, { body: event('secret', { SUMMARY: 'other' }), headers: calendarType })
  await ask('PUT', secret, { body: event('secret', { SUMMARY: 'earlier' }), headers: calendarType })
  for (const name of [secret, `${play}other.ics`]) utimesSync(join(documents, name), old, old)
  backUp(disk, `${documents}/../backup`)
  await ask('PUT', secret, { body: event('secret', { SUMMARY: 'later' }), headers: calendarType })
  execFileSync('rsync', ['-a', '--delete', `${documents}/../backup/`, disk])
  t.match((await ask('GET', secret)).body, 'SUMMARY:later')
  t.equal((await ask('MOVE', `${play}other.ics`, { headers: { destination: secret } })).status, 204)
  t.match((await ask('GET', secret)).body, 'SUMMARY:other')
})
