import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectories } from '../store/file.js'
import { demandSpace } from '../store/space.js'
import { house } from './house.js'

const home = '/calendars/users/alice/'
const event = (uid: string, more = ''): string => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:${uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T100000Z\r\n${more}END:VEVENT\r\nEND:VCALENDAR\r\n`
const type = { 'content-type': 'text/calendar' }

t.test('a query has at most so many parts', async t => {
  const { ask } = await house(t)
  const query = (count: number): string => `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">${
    '<C:prop-filter name="DESCRIPTION"><C:text-match>x</C:text-match></C:prop-filter>'.repeat(count)}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
  t.equal((await ask('REPORT', `${home}calendar/`, { body: query(20) })).status, 207)
  t.match(await ask('REPORT', `${home}calendar/`, { body: query(1000) }), { status: 403, body: /valid-filter/ })
})

t.test('a request names at most so many properties, and a resource keeps at most so much', async t => {
  const { ask } = await house(t, { settings: { 'limits.propertyBytes': '1000' } })
  const many = Array.from({ length: 1500 }, (_, number) => `<p${number} xmlns="urn:x"/>`).join('')
  t.equal((await ask('PROPFIND', `${home}calendar/`, { body: `<propfind xmlns="DAV:"><prop>${many}</prop></propfind>`, headers: { depth: '0' } })).status, 413)
  t.equal((await ask('PROPPATCH', `${home}calendar/`, { body: `<propertyupdate xmlns="DAV:"><set><prop>${many}</prop></set></propertyupdate>` })).status, 413)
  const set = async (number: number): Promise<string> => (await ask('PROPPATCH', `${home}calendar/`, { body: `<propertyupdate xmlns="DAV:"><set><prop><p${number} xmlns="urn:x">${'y'.repeat(900)}</p${number}></prop></set></propertyupdate>` })).body
  const answers: string[] = []
  for (let number = 0; number < 12; number++) answers.push(await set(number))
  t.match(answers[0], ' 200 ')
  t.match(answers[11], ' 507 ')
})

t.test('a refused request does not make the home of somebody else', async t => {
  const { ask, documents } = await house(t)
  t.equal((await ask('PROPFIND', '/calendars/users/bob/')).status, 403)
  t.notOk(existsSync(join(documents, 'calendars/users/bob')))
})

t.test('a disk that will not hold the body and its index is full before anything is written', async t => {
  const root = t.testdir()
  t.doesNotThrow(() => { demandSpace([root], 10) })
  t.throws(() => { demandSpace([root], 2 ** 50) }, { name: 'StoreError', reason: 'full' })
})

t.test('directories that cannot be made are told, not tried for ever', { skip: !existsSync('/proc/self') && 'no /proc' }, async t => {
  t.throws(() => { makeDirectories('/proc/caldavd/data') }, { name: 'StoreError' })
})

t.test('documents that are gone or replaced are an outage, not a deletion', async t => {
  const { renameSync, mkdirSync } = await import('node:fs')
  const { ask, documents } = await house(t)
  t.equal((await ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: type })).status, 201)
  renameSync(documents, `${documents}.away`)
  t.equal((await ask('GET', `${home}calendar/a.ics`)).status, 503)
  mkdirSync(documents)
  t.equal((await ask('PROPFIND', `${home}calendar/`)).status, 503)
  t.same(readdirSync(documents), [], 'nothing is made in what has taken their place')
})

t.test('a slip in an editor is told, and the former version is served', async t => {
  const { ask, documents, lines } = await house(t)
  await ask('PUT', `${home}calendar/a.ics`, { body: event('a'), headers: type })
  const { etag } = (await ask('GET', `${home}calendar/a.ics`)).headers
  writeFileSync(join(documents, home, 'calendar/a.ics'), event('a').replace('20260105T100000Z', 'garbage'))
  const got = await ask('GET', `${home}calendar/a.ics`)
  t.equal(got.headers['etag'], etag)
  t.match(got.body, 'DTSTART:20260105T100000Z')
  t.match(lines.join('\n'), /a\.ics is not served as it is: line 7/)
  writeFileSync(join(documents, home, 'calendar/b.ics'), event('a'))
  t.equal((await ask('GET', `${home}calendar/b.ics`)).status, 200)
  t.match(lines.join('\n'), /b\.ics has the UID of a\.ics/)
})

t.test('what clients are told names no path of the disk', async t => {
  const { ask, documents } = await house(t)
  await ask('PROPFIND', home)
  writeFileSync(join(documents, home, 'calendar/broken.ics'), 'nothing')
  const answer = await ask('PUT', `${home}calendar/broken.ics`, { body: event('b'), headers: type })
  t.equal(answer.status, 403)
  t.notMatch(answer.body, documents)
  t.equal(answer.headers['x-content-type-options'], 'nosniff')
})
