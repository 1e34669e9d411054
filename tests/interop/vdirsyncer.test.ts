import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { run } from './run.js'
import { account, attributeNames, event, missing, names, namespaces, propfind, property, request, serve, strays } from './server.js'
import { roomFor } from './room.js'

t.test('vdirsyncer keeps a folder and a calendar the same, both ways', { skip: missing('vdirsyncer', 'getfattr') }, async t => {
  const directory = roomFor(t, { local: {}, status: {} })
  const served = await serve(t, path.join(directory, 'data'))
  const collection = `${served.home}team/`
  const local = path.join(directory, 'local', 'team')
  const file = (n: number): string => path.join(local, `event-${n}.ics`)
  const config = path.join(directory, 'config')
  writeFileSync(config, `
[general]
status_path = "${path.join(directory, 'status')}"
[pair both]
a = "folder"
b = "server"
collections = ["team"]
metadata = ["displayname", "color"]
[storage folder]
type = "filesystem"
path = "${path.join(directory, 'local')}"
fileext = ".ics"
[storage server]
type = "caldav"
url = "${served.url}/"
username = "${account.user}"
password = "${account.password}"
`)
  const vdirsyncer = async (t: Test, ...args: string[]): Promise<string> => {
    const { code, printed } = await run('vdirsyncer', ['--config', config, ...args])
    t.equal(code, 0, `vdirsyncer ${args.join(' ')}`, { printed })
    t.notMatch(printed, /error|traceback/i, 'no error is printed')
    return printed
  }
  const listing = async (): Promise<string[]> =>
    names(await request(served, 'PROPFIND', collection, propfind('D:getetag'), { depth: '1' })).filter(name => name.endsWith('.ics')).sort()
  const body = async (name: string): Promise<string> => (await request(served, 'GET', collection + name)).text
  const uid = (n: number): string => `event-${n}@example.org`

  t.equal((await request(served, 'MKCALENDAR', collection, `<C:mkcalendar ${namespaces}><D:set><D:prop>
    <D:displayname>Team</D:displayname></D:prop></D:set></C:mkcalendar>`)).status, 201, 'a calendar to sync with')
  mkdirSync(local)
  for (let n = 0; n < 200; n++) writeFileSync(file(n), event(uid(n), `Event ${n}`, n % 28 + 1))

  await t.test('discovery finds it and 200 events go up', async t => {
    await vdirsyncer(t, 'discover')
    await vdirsyncer(t, 'sync')
    t.equal((await listing()).length, 200)
  })

  await t.test('a second run changes nothing', async t => {
    const before = await property(served, collection, 'CS:getctag')
    const times = readdirSync(local).map(name => statSync(path.join(local, name)).mtimeMs)
    const printed = await vdirsyncer(t, 'sync')
    t.notMatch(printed, /Copying|Deleting/, 'nothing is copied')
    t.equal(await property(served, collection, 'CS:getctag'), before)
    t.same(readdirSync(local).map(name => statSync(path.join(local, name)).mtimeMs), times)
  })

  await t.test('edits and deletions go both ways', async t => {
    const hrefs = new Map<string, string>()
    for (const name of await listing()) hrefs.set(/UID:(\S+)/.exec(await body(name))?.[1] ?? '', name)
    const href = (n: number): string => hrefs.get(uid(n)) ?? t.fail(`${uid(n)} is not on the server`) as unknown as string
    writeFileSync(file(1), event(uid(1), 'Changed in the folder'))
    rmSync(file(2))
    writeFileSync(file(900), event(uid(900), 'New in the folder'))
    t.match((await request(served, 'PUT', collection + href(3), event(uid(3), 'Changed on the server'))).status, /20[014]/)
    t.match((await request(served, 'DELETE', collection + href(4))).status, /20[04]/)
    t.match((await request(served, 'PUT', `${collection}neu%20%C3%BC.ics`, event(uid(901), 'New on the server'))).status, /201/)
    await vdirsyncer(t, 'sync')
    t.match(await body(href(1)), 'Changed in the folder')
    t.equal((await request(served, 'GET', collection + href(2))).status, 404)
    t.match(readFileSync(file(3), 'utf8'), 'Changed on the server')
    t.notOk(existsSync(file(4)))
    const all = readdirSync(local).filter(name => name.endsWith('.ics'))
    t.equal(all.length, 200)
    t.ok(all.some(name => readFileSync(path.join(local, name), 'utf8').includes('New on the server')))
    t.equal((await listing()).length, 200)
    const printed = await vdirsyncer(t, 'sync')
    t.notMatch(printed, /Copying|Deleting/, 'and then there is nothing left to do')
  })

  await t.test('names and colours by metasync', async t => {
    writeFileSync(path.join(local, 'color'), '#FF8800')
    await vdirsyncer(t, 'metasync')
    t.match(await property(served, collection, 'A:calendar-color'), /^#FF8800/i, 'the colour went up')
    t.equal(readFileSync(path.join(local, 'displayname'), 'utf8'), 'Team', 'the name came down')
    const { status } = await request(served, 'PROPPATCH', collection, `<D:propertyupdate ${namespaces}><D:set><D:prop>
      <D:displayname>Team &amp; friends é</D:displayname><A:calendar-color>#0044aa</A:calendar-color></D:prop></D:set></D:propertyupdate>`)
    t.equal(status, 207)
    await vdirsyncer(t, 'metasync')
    t.equal(readFileSync(path.join(local, 'displayname'), 'utf8'), 'Team & friends é')
    t.match(readFileSync(path.join(local, 'color'), 'utf8'), /^#0044aa/i)
  })

  await t.test('on disk it is plain files', { skip: served.data === undefined }, async t => {
    const data = served.data ?? ''
    t.same(strays(data), [])
    t.match(attributeNames(data).join(), 'displayname', 'the attributes have readable names')
  })
})
