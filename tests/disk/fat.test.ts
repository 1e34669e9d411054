import t from 'tap'
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { event } from '../event.js'
import { shell, until } from '../store/shelf.js'
import { disk, estate, filesBelow, ground } from './estate.js'

const home = '/calendars/users/alice/'
const work = `${home}work/`
const wanted = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'

// FUSE tells of changes by hand a little later, and not by the time of the directory
async function settled (holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 50 && !await holds(); attempt++) await sleep(50)
}

for (const kind of ['vfat', 'exfat'] as const) {
  t.test(`documents on ${kind}: no attributes, no links, no letter case, steps of two seconds`, async t => {
    const one = await estate(t, ground(t))
    const problem = disk(t, `${one.root}/documents`, kind, 16)
    if (problem !== undefined) return t.pass('skipped', { skip: problem })
    const { ask } = one
    await one.open()
    const directory = `${one.root}/documents/calendars/users/alice/work`
    const listed = async (): Promise<string> => {
      const { body } = await ask('PROPFIND', work, wanted, { depth: '1' })
      return [...body.matchAll(/href>[^<]*\/([^</]+\.ics)<.*?getetag>([^<]*)</gsi)].map(([, name, etag]) => `${name} ${etag}`).sort().join('\n')
    }
    t.equal((await ask('MKCALENDAR', work)).status, 201)
    t.equal((await ask('PUT', `${work}a.ics`, event('a'))).status, 201)
    const before = await listed()
    t.match(before, /^a\.ics "\w+"$/)

    await t.test('A and a are one name', async t => {
      t.match(await ask('GET', `${work}A.ics`), { status: 200, body: event('a') })
      t.equal((await ask('PUT', `${work}A.ics`, event('other'), { 'if-none-match': '*' })).status, 412, 'what is there is not overwritten by mistake')
      t.equal((await ask('PUT', `${work}A.ics`, event('a', { SUMMARY: 'two' }))).status, 204)
      t.match(await listed(), /^a\.ics "\w+"$/, 'still one')
      t.not(await listed(), before)
      t.equal((await ask('MKCALENDAR', `${home}WORK/`)).status, 405)
      renameSync(`${directory}/a.ics`, `${directory}/tmp`)
      renameSync(`${directory}/tmp`, `${directory}/A.ICS`)
      t.ok(await until(() => readdirSync(directory).includes('A.ICS')) < Infinity)
      await settled(async () => (await listed()).startsWith('A.ICS'))
      t.match(await listed(), /^A\.ICS "\w+"$/, 'by the name it has now')
      renameSync(`${directory}/A.ICS`, `${directory}/tmp`)
      renameSync(`${directory}/tmp`, `${directory}/a.ics`)
      await settled(async () => (await listed()).startsWith('a.ics'))
      t.match(await listed(), /^a\.ics "\w+"$/)
    })

    await t.test('what was replaced or deleted is kept by a copy', async t => {
      const kept = filesBelow(`${one.root}/history`).filter(name => name.includes('a.ics@'))
      t.equal(kept.length, 1)
      t.equal(readFileSync(`${one.root}/history/${kept[0] ?? ''}`, 'utf8'), event('a'))
      t.equal((await ask('PUT', `${work}d.ics`, event('d'))).status, 201)
      t.equal((await ask('DELETE', `${work}D.ics`)).status, 204)
      t.equal(filesBelow(`${one.root}/history`).filter(name => name.includes('d.ics@')).length, 1)
      t.match(await listed(), /^a\.ics "\w+"$/)
    })

    await t.test('names that the file system does not take are refused with the reason', async t => {
      for (const [method, path, body] of [['PUT', `${work}q%3Aw.ics`, event('q')], ['PUT', `${work}q%3Fw.ics`, event('q')], ['MKCALENDAR', `${home}x%3Ay/`], ['MOVE', `${work}a.ics`]] as const) {
        const answer = await ask(method, path, body, method === 'MOVE' ? { destination: `${work}z%3A.ics` } : {})
        t.equal(answer.status, 403, `${method} ${path}: ${answer.status} ${answer.body}`)
        t.match(answer.body, /this name cannot be used/)
      }
      t.same(readdirSync(directory).filter(name => !name.startsWith('.')), ['a.ics'])
      t.same(readdirSync(`${one.root}/documents/.drafts`), [])
    })

    await t.test('a change by hand is seen although time and size are the same', async t => {
      for (const uid of ['hand1', 'hand2', 'hand3']) {
        writeFileSync(`${directory}/h.ics`, event(uid))
        t.match(await ask('GET', `${work}h.ics`), { status: 200, body: event(uid) })
      }
      const etags = new Set<string>()
      for (const uid of ['hand4', 'hand5', 'hand6']) {
        writeFileSync(`${directory}/h.ics`, event(uid))
        await settled(async () => !etags.has(await listed()))
        etags.add(await listed())
      }
      t.equal(etags.size, 3)
      shell(directory, 'rm h.ics')
      await settled(async () => !(await listed()).includes('h.ics'))
      t.match(await listed(), /^a\.ics "\w+"$/)
    })

    const stable = await listed()
    await one.close()
    await one.open()
    t.equal(await listed(), stable, 'ETags are those of before the restart')
  })
}
