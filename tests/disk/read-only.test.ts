import t, { type Test } from 'tap'
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { event } from '../event.js'
import { shell } from '../store/shelf.js'
import { disk, estate, filesBelow, ground, type Estate, type Kind, type Room } from './estate.js'

const home = '/calendars/users/alice/'
const work = `${home}work/`
const patch = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>After</D:displayname></D:prop></D:set></D:propertyupdate>'
const query = '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
const depth = { depth: '1' }

async function furnished (t: Test, kind: Kind, room: Room | 'all', options = ''): Promise<{ estate: Estate, path: string } | string> {
  const root = ground(t)
  const path = room === 'all' ? root : `${root}/${room}`
  const problem = disk(t, path, kind, 12, options)
  if (problem !== undefined) return problem
  const made = await estate(t, root)
  await made.open()
  t.equal((await made.ask('MKCALENDAR', work)).status, 201)
  for (const name of ['a', 'b']) t.equal((await made.ask('PUT', `${work}${name}.ics`, event(name))).status, 201)
  return { estate: made, path }
}

/** Reading goes on, writing is refused with a reason, and nothing happens on the disk. */
async function isReadOnly (t: Test, { ask, root }: Estate, when: string): Promise<void> {
  const before = filesBelow(`${root}/documents`)
  t.match(await ask('PROPFIND', work, undefined, depth), { status: 207, body: /a\.ics.*b\.ics/s }, `PROPFIND ${when}`)
  t.match(await ask('REPORT', work, query, depth), { status: 207, body: /a\.ics.*b\.ics/s }, `calendar-query ${when}`)
  t.match(await ask('GET', `${work}a.ics`), { status: 200, body: event('a') }, `GET ${when}`)
  const refused = [
    await ask('PUT', `${work}new.ics`, event('new')), await ask('PUT', `${work}a.ics`, event('a', { SUMMARY: 'x' })), await ask('MKCALENDAR', `${home}new/`),
    await ask('PROPPATCH', work, patch), await ask('COPY', `${work}a.ics`, undefined, { destination: `${home}calendar/a.ics` }), await ask('MOVE', `${work}a.ics`, undefined, { destination: `${work}c.ics` })
  ]
  t.same(refused.map(({ status }) => status), refused.map(() => 503), `PUT, PUT over, MKCALENDAR, PROPPATCH, COPY, MOVE ${when}`)
  for (const { body, headers } of refused) t.match(`${headers.get('retry-after') ?? ''} ${body}`, /^120 .*read-only/)
  t.same(filesBelow(`${root}/documents`), before)
}

async function isWritable (t: Test, { ask, lines }: Estate, name: string): Promise<void> {
  t.equal((await ask('PUT', `${work}${name}.ics`, event(name))).status, 201)
  t.match(await ask('PROPFIND', work, undefined, depth), { status: 207, body: new RegExp(`${name}\\.ics`) })
  t.equal(lines().filter(line => line.includes('can be written again')).length, 1)
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  t.test(`documents that become read-only, on ${kind}`, async t => {
    const made = await furnished(t, kind, 'documents')
    if (typeof made === 'string') return t.pass('skipped', { skip: made })
    const { estate, path } = made
    await estate.ask('PROPFIND', work, undefined, depth)
    estate.lines()
    shell('/', `mount -o remount,ro '${path}'`)
    await isReadOnly(t, estate, 'as it comes')
    t.equal((await estate.ask('DELETE', `${work}b.ics`)).status, 503)
    const told = estate.lines()
    t.equal(told.length, 1, told.join('\n'))
    t.match(told[0], /documents.*EROFS/)
    await estate.close()
    await estate.open()
    await isReadOnly(t, estate, 'after a restart')
    shell('/', `mount -o remount,rw '${path}'`)
    await isWritable(t, estate, 'later')
  })
}

t.test('everything is read-only at the start', async t => {
  const made = await furnished(t, 'ext4', 'all')
  if (typeof made === 'string') return t.pass('skipped', { skip: made })
  const { estate, path } = made
  await estate.close()
  shell('/', `mount -o remount,ro '${path}'`)
  estate.lines()
  await estate.open()
  await isReadOnly(t, estate, 'from the start')
  t.equal((await estate.ask('DELETE', `${work}b.ics`)).status, 503)
  shell('/', `mount -o remount,rw '${path}'`)
  await isWritable(t, estate, 'later')
})

t.test('a file system that makes itself read-only, under the feet of the server', async t => {
  const made = await furnished(t, 'ext4', 'all', ' -o errors=remount-ro')
  if (typeof made === 'string') return t.pass('skipped', { skip: made })
  const { estate, path } = made
  await estate.ask('PROPFIND', work, undefined, depth)
  const device = shell('/', `findmnt -n -o SOURCE '${path}'`).trim().replace('/dev/', '')
  const trigger = `/sys/fs/ext4/${device}/trigger_fs_error`
  if (!existsSync(trigger)) return t.pass('skipped', { skip: 'this kernel cannot be asked for an error' })
  estate.lines()
  writeFileSync(trigger, 'test')
  await isReadOnly(t, estate, 'after an error of the disk')
  t.equal((await estate.ask('DELETE', `${work}b.ics`)).status, 503)
  const told = estate.lines()
  t.equal(told.length, 1, told.join('\n'))
})

t.test('a lock on a full disk is a link, and is respected', async t => {
  const root = ground(t)
  const problem = disk(t, `${root}/state`, 'tmpfs', 1)
  if (problem !== undefined) return t.pass('skipped', { skip: problem })
  const { fill } = await import('./estate.js')
  const { lock, servedBy } = await import('../../store/lock.js')
  fill(`${root}/state`)
  const giveBack = lock(`${root}/state`)
  t.match(readlinkSync(`${root}/state/lock`), new RegExp(`^${process.pid} `))
  t.equal(servedBy(`${root}/state`), process.pid)
  t.throws(() => lock(`${root}/state`), { message: /serves this data directory already/ })
  giveBack()
  t.same(readdirSync(`${root}/state`), ['ballast'])
})
