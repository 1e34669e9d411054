import t, { type Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { listAttributesSync, setAttributeSync } from 'fs-xattr'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { event } from '../event.js'
import { shell, until } from '../store/shelf.js'
import { disk, estate, ground, type Estate } from './estate.js'

const home = '/calendars/users/alice/'
const large = randomBytes(3000).toString('hex')
const huge = randomBytes(40_000).toString('hex')
const set = (inner: string): string => `<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:x"><D:set><D:prop>${inner}</D:prop></D:set></D:propertyupdate>`
const acl = '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:authenticated/></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>'
const wanted = '<D:propfind xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:x"><D:prop><D:displayname/><D:resourcetype/><D:acl/><D:getetag/><A:calendar-color/><A:calendar-order/><X:note/><X:large/><X:huge/></D:prop></D:propfind>'

/** A calendar, a plain collection and events with all that lives in attributes. */
async function furnish (t: Test, { ask }: Estate): Promise<void> {
  const steps: [string, string, string?, string?][] = [
    ['MKCALENDAR', `${home}work/`],
    ['MKCOL', `${home}papers/`],
    // first, and so in an attribute: what comes when there is no room left is in the mirror alone
    ['ACL', `${home}work/`, acl],
    ['PROPPATCH', `${home}work/`, set(`<D:displayname>Büro</D:displayname><A:calendar-color>#00FF00FF</A:calendar-color><A:calendar-order>7</A:calendar-order><X:large>${large}</X:large>`)],
    ['PROPPATCH', `${home}work/`, set(`<X:huge>${huge}</X:huge>`)],
    ['PROPPATCH', `${home}papers/`, set('<D:displayname>Papers</D:displayname>')],
    ...['a', 'b', 'c'].map((name): [string, string, string] => ['PUT', `${home}work/${name}.ics`, event(name)]),
    ['PROPPATCH', `${home}work/a.ics`, set(`<X:note>one event</X:note><X:large>${large}</X:large>`)],
    ['PROPPATCH', `${home}work/c.ics`, set('<X:note>another</X:note>')]
  ]
  for (const [method, path, body] of steps) {
    const answer = await ask(method, path, body)
    t.ok(answer.status < 300 && !answer.body.includes('HTTP/1.1 4') && !answer.body.includes('HTTP/1.1 5'), `${method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`)
  }
}

/** All of it, as a client sees it, an element a line; long values by their beginning and length. */
async function seen ({ ask }: Estate): Promise<string> {
  const answers = []
  for (const path of [home, `${home}work/`]) answers.push((await ask('PROPFIND', path, wanted, { depth: '1' })).body)
  return answers.join('\n').replaceAll('><', '>\n<').replace(/[0-9a-f]{1000,}/g, brief)
}

function brief (value: string): string {
  return `${value.slice(0, 20)}…${value.length}`
}

/** Attributes of ours by file, below a directory. */
function attributed (directory: string): string[] {
  return ['work', 'work/a.ics', 'work/c.ics', 'papers'].filter(name => listAttributesSync(`${directory}/calendars/users/alice/${name}`).some(attribute => attribute.startsWith('user.{')))
}
const all = ['work', 'work/a.ics', 'work/c.ics', 'papers']

const copies: readonly { readonly tool: string, readonly command: string, readonly keeps: boolean }[] = [
  { tool: 'cp -r', command: 'cp -r FROM TO', keeps: false },
  { tool: 'cp -a', command: 'cp -a FROM TO', keeps: true },
  { tool: 'rsync -a', command: 'rsync -a FROM/ TO/', keeps: false },
  { tool: 'rsync -aX', command: 'rsync -aX FROM/ TO/', keeps: true },
  { tool: 'tar', command: 'mkdir TO && tar -C FROM -cf - . | tar -C TO -xf -', keeps: false },
  { tool: 'tar --xattrs', command: "mkdir TO && tar -C FROM --xattrs --xattrs-include='user.*' -cf - . | tar -C TO --xattrs --xattrs-include='user.*' -xf -", keeps: true },
  { tool: 'git clone', command: 'cd FROM && git init -q && git add -A && git -c user.name=x -c user.email=x@example.com commit -qm all && git clone -q FROM TO', keeps: false }
]
for (const { tool, command, keeps } of copies) {
  t.test(`${tool}: everything is there afterwards, and in the attributes again`, async t => {
    const [from, to] = [await estate(t, ground(t)), await estate(t, ground(t))]
    await from.open()
    await furnish(t, from)
    const before = await seen(from)
    for (const word of ['Büro', '#00FF00FF', '>7<', brief(large), brief(huge), 'one event', 'another', 'Papers', 'authenticated']) t.ok(before.includes(word), word.slice(0, 40))
    await from.close()
    const [source, target] = [`${from.root}/documents`, `${to.root}/documents`]
    shell('/', command.replaceAll('FROM', source).replaceAll('TO', target))
    t.same(attributed(target), keeps ? all : [], 'what the tool keeps')
    await to.open()
    t.equal(await seen(to), before)
    t.ok(await until(() => attributed(target).length === all.length, 5000) < Infinity, attributed(target).join(' '))
    t.equal(await seen(to), before, 'and stays so')
    t.same(to.lines().filter(line => !line.includes('put back the properties')), [])
  })
}

t.test('what is in an attribute is true, whatever the mirror says; a mirror that is lost is made again', async t => {
  const one = await estate(t, ground(t))
  await one.open()
  await furnish(t, one)
  const work = `${one.root}/documents/calendars/users/alice/work`
  const mirror = `${work}/.properties.json`
  const before = await seen(one)
  await one.close()
  writeFileSync(mirror, readFileSync(mirror, 'utf8').replace('Büro', 'Stale').replace('one event', 'stale event'))
  await one.open()
  t.equal(await seen(one), before)
  t.ok(await until(() => !/stale/i.test(readFileSync(mirror, 'utf8')), 5000) < Infinity)
  setAttributeSync(work, 'user.{DAV:}displayname', Buffer.from('<displayname xmlns="DAV:">By hand</displayname>'))
  t.ok(await until(() => readFileSync(mirror, 'utf8').includes('By hand'), 5000) < Infinity)
  t.match(await seen(one), /By hand/)
  // values that are in the mirror alone go with it
  await one.ask('PROPPATCH', `${home}work/`, '<D:propertyupdate xmlns:D="DAV:" xmlns:X="urn:x"><D:remove><D:prop><X:large/><X:huge/></D:prop></D:remove></D:propertyupdate>')
  await one.ask('PROPPATCH', `${home}work/a.ics`, '<D:propertyupdate xmlns:D="DAV:" xmlns:X="urn:x"><D:remove><D:prop><X:large/></D:prop></D:remove></D:propertyupdate>')
  const whole = await seen(one)
  rmSync(mirror)
  t.equal(await seen(one), whole)
  t.ok(await until(() => existsSync(mirror) && readFileSync(mirror, 'utf8').includes('one event'), 5000) < Infinity, 'made again')
  t.equal(await seen(one), whole)
})

const elsewhere = [['tmpfs', 'tmpfs'], ['vfat', 'vfat'], ['exfat', 'exfat']] as const
for (const [name, kind] of elsewhere) {
  t.test(`there and back by ${name}`, async t => {
    const [from, there, back] = [await estate(t, ground(t)), await estate(t, ground(t)), await estate(t, ground(t))]
    const problem = disk(t, `${there.root}/documents`, kind, 16)
    if (problem !== undefined) return t.pass('skipped', { skip: problem })
    await from.open()
    await furnish(t, from)
    const before = await seen(from)
    await from.close()
    shell('/', `cp -r ${from.root}/documents/calendars ${there.root}/documents/`)
    await there.open()
    t.equal(await seen(there), before, 'there')
    const told = there.lines().filter(line => line.includes('keeps no extended attributes'))
    t.equal(told.length, kind === 'tmpfs' ? 0 : 1, 'one warning where there are none')
    const patched = await there.ask('PROPPATCH', `${home}work/b.ics`, set('<X:note>made there</X:note>'))
    t.match(patched, { status: 207, body: /200 OK/ }, there.lines().join('\n'))
    const after = await seen(there)
    t.match(after, 'made there')
    await there.close()
    mkdirSync(`${back.root}/documents`)
    shell('/', `cp -r ${there.root}/documents/calendars ${back.root}/documents/`)
    await back.open()
    t.equal(await seen(back), after, 'and back')
  })
}
