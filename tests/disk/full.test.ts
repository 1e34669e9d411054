import t, { type Test } from 'tap'
import { readFileSync } from 'node:fs'
import { event } from '../event.js'
import { disk, estate, filesBelow, fill, ground, type Answer, type Estate, type Kind, type Room } from './estate.js'

const home = '/calendars/users/alice/'
const work = `${home}work/`
const rename = (name: string): string => `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>${name}</D:displayname></D:prop></D:set></D:propertyupdate>`
const query = '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
const news = (token: string): string => `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
const depth = { depth: '1' }

/** A server with a calendar of two events, on a disk for one room or all. */
async function furnished (t: Test, kind: Kind, room: Room | 'all'): Promise<{ estate: Estate, path: string } | string> {
  const root = ground(t)
  const path = room === 'all' ? root : `${root}/${room}`
  const problem = disk(t, path, kind, 12)
  if (problem !== undefined) return problem
  const made = await estate(t, root)
  await made.open()
  t.equal((await made.ask('MKCALENDAR', work)).status, 201)
  for (const name of ['a', 'b', 'c']) t.equal((await made.ask('PUT', `${work}${name}.ics`, event(name))).status, 201)
  t.equal((await made.ask('PROPPATCH', work, rename('Before'))).status, 207)
  return { estate: made, path }
}

/** Everything that only reads is answered. */
async function reads (t: Test, { ask }: Estate, names: string, when: string): Promise<void> {
  const listed = (body: string): string => [...body.matchAll(/href>[^<]*\/(\w+)\.ics</g)].map(([, name]) => name).sort().join('')
  const all = await ask('PROPFIND', work, undefined, depth)
  t.equal(all.status, 207, `PROPFIND ${when}: ${all.body.slice(0, 300)}`)
  t.equal(listed(all.body), names, `PROPFIND ${when}`)
  t.match(all.body, 'Before')
  const found = await ask('REPORT', work, query, depth)
  t.equal(found.status, 207, `calendar-query ${when}: ${found.body.slice(0, 300)}`)
  t.equal(listed(found.body), names)
  t.equal((await ask('PROPFIND', home, undefined, depth)).status, 207)
  for (const name of names) t.match(await ask('GET', `${work}${name}.ics`), { status: 200, body: event(name) }, `GET ${name} ${when}`)
}

const cases: readonly [Kind, Room | 'all'][] = [['tmpfs', 'all'], ['tmpfs', 'documents'], ['tmpfs', 'state'], ['tmpfs', 'history'], ['ext4', 'all'], ['ext4', 'state']]
for (const [kind, room] of cases) {
  t.test(`${kind}, ${room} on a full disk: writing is 507 and touches nothing, reading goes on`, async t => {
    const made = await furnished(t, kind, room)
    if (typeof made === 'string') return t.pass('skipped', { skip: made })
    const { estate, path } = made
    const { ask, lines } = estate
    const [, token = ''] = /sync-token>([^<]+)</.exec((await ask('REPORT', work, news(''))).body) ?? []
    const documents = `${estate.root}/documents`
    lines()
    const before = filesBelow(documents).filter(name => name !== 'ballast')
    const makeRoom = fill(path)
    const big = event('big', { DESCRIPTION: 'x'.repeat(20_000) })
    const refused = [
      await ask('PUT', `${work}big.ics`, big),
      await ask('PUT', `${work}a.ics`, event('a', { SUMMARY: 'changed' })),
      await ask('COPY', `${work}a.ics`, undefined, { destination: `${home}calendar/a.ics` }),
      await ask('COPY', work, undefined, { destination: `${home}other/` }),
      await ask('MKCALENDAR', `${home}new/`),
      await ask('POST', work, event('posted', { DESCRIPTION: 'x'.repeat(20_000) }))
    ]
    // a body goes into the history, which has no room; what needs none is done
    const needs = room === 'history' ? ['201', '507', '201', '201', '201', '207: 200'] : ['507', '507', '507', '507', '507', '207: 507']
    const statusOf = ({ status, body }: Answer): string => status === 207 ? `207: ${/HTTP\/1\.1 (\d+)/.exec(body)?.[1] ?? body}` : String(status)
    t.same(refused.map(statusOf), needs, 'PUT, PUT over, COPY of one, of all, MKCALENDAR, POST')
    if (room !== 'history') {
      t.match(refused[0]?.body, /sufficient-disk-space/)
      const patched = await ask('PROPPATCH', work, rename('After'.repeat(300)))
      t.match(`${patched.status} ${patched.body}`, /507/, 'PROPPATCH')
      const moved = await ask('MOVE', `${work}c.ics`, undefined, { destination: `${work}d.ics` })
      t.equal(moved.status, 507, `MOVE: ${moved.body}`)
      t.same(filesBelow(documents).filter(name => name !== 'ballast'), before, 'no file more, none less')
      await reads(t, estate, 'abc', 'on a full disk')
    }
    t.equal(readFileSync(`${documents}/calendars/users/alice/work/a.ics`, 'utf8'), event('a'))
    const told = lines()
    t.equal(told.filter(line => /full|left|space/i.test(line)).length, 1, `told once: ${told.join('\n')}`)
    await estate.close()
    await estate.open()
    if (room !== 'history') await reads(t, estate, 'abc', 'after a restart on a full disk')
    t.equal((await ask('DELETE', `${work}c.ics`)).status, 204, 'removing is what makes room')
    t.equal((await ask('GET', `${work}c.ics`)).status, 404)
    if (room !== 'history') await reads(t, estate, 'ab', 'after something was removed')
    t.equal((await ask('PUT', `${work}a.ics`, event('a', { SUMMARY: 'changed' }))).status, 507)
    lines()
    makeRoom()
    t.equal((await ask('PUT', `${work}full.ics`, event('full'))).status, 201, 'without a restart')
    t.equal((await ask('PUT', `${work}a.ics`, event('a', { SUMMARY: 'changed' }))).status, 204)
    t.match(lines().join('\n'), /^warn +the disk can be written again; 1 request was refused meanwhile$/, 'told once')
    const heard = await ask('REPORT', work, news(token))
    // a new index knows no former token: then clients begin anew
    if (heard.status === 207) t.match(heard.body, /full\.ics/)
    else t.match(heard.body, /valid-sync-token/)
  })
}
