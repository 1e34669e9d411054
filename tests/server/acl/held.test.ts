import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
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

/** A calendar that bob may read, but for one event. */
async function shared (t: Test): Promise<House & { readonly disk: string, readonly hide: () => Promise<void>, readonly isHidden: (url?: string) => Promise<boolean> }> {
  const built = await house(t)
  const { ask, documents } = built
  await ask('MKCALENDAR', work)
  await share(ask, work, [ace(person('users/bob'), ['<D:read/>'])])
  await ask('PUT', `${work}open.ics`, { body: event('open'), headers: calendarType })
  const hide = async (): Promise<void> => {
    await ask('PUT', secret, { body: event('secret'), headers: calendarType })
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

/** The calendar as it was an hour ago. */
function backUp (disk: string, backup: string): void {
  const before = new Date(statSync(disk).mtimeMs - 3600_000)
  execFileSync('cp', ['-a', disk, backup])
  utimesSync(backup, before, before)
}

for (const [what, touch] of [
  ['PUT', async ({ ask }: House) => await ask('PUT', secret, { body: event('secret', { SUMMARY: 'other' }), headers: calendarType })],
  ['PROPPATCH', async ({ ask }: House) => await ask('PROPPATCH', secret, { body: mark.replace('kept', 'new') })],
  ['MOVE', async ({ ask }: House) => await ask('MOVE', secret, { headers: { destination: `${work}moved.ics` } })]
] as const) {
  for (const isOlder of [false, true]) {
    t.test(`an event that a backup ${isOlder ? 'has in an older state' : 'does not have'} stays hidden, also after ${what}`, async t => {
      const it = await shared(t)
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
      const now = what === 'MOVE' ? `${work}moved.ics` : secret
      t.ok(await isHidden(now), 'and it is there')
      t.match(properties(disk, now.slice(work.length)).get('{urn:x}x'), what === 'PROPPATCH' ? '>new<' : '>kept<')
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
