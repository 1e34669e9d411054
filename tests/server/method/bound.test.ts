import t from 'tap'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const below = (top: string, levels: number): string => `${home}${top}/${'d/'.repeat(levels)}`

t.test('nothing is made, moved or copied so deep that it is not served', async t => {
  const { ask } = await house(t)
  for (const top of ['a', 'b']) for (let levels = 0; levels < 10; levels++) t.equal((await ask('MKCOL', below(top, levels))).status, 201)
  await ask('MKCALENDAR', `${below('a', 9)}cal/`)
  t.equal((await ask('PUT', `${below('a', 9)}cal/e.ics`, { body: event('e'), headers: calendarType })).status, 201)
  for (const method of ['MOVE', 'COPY']) {
    t.equal(outcome(await ask(method, `${home}a/`, { headers: { destination: `${below('b', 9)}a/` } })), '403', method)
    t.equal((await ask('GET', `${below('a', 9)}cal/e.ics`)).status, 200, 'and it is where it was')
  }
  t.equal((await ask('COPY', `${home}a/`, { headers: { destination: `${below('b', 9)}a/`, depth: '0' } })).status, 201, 'the folder alone fits')
  let levels = 10
  while ((await ask('MKCOL', below('b', levels))).status === 201) levels++
  t.equal(levels, 16)
  t.equal(outcome(await ask('MKCALENDAR', below('b', 16))), '403', 'a calendar neither')
})

t.test('a folder that holds a calendar is not overwritten', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', `${home}keep/`)
  await ask('MKCALENDAR', `${home}keep/cal/`)
  await ask('PUT', `${home}one.txt`, { body: 'one' })
  for (const method of ['COPY', 'MOVE']) t.equal(outcome(await ask(method, `${home}one.txt`, { headers: { destination: `${home}keep` } })), '403', method)
  t.equal((await ask('PROPFIND', `${home}keep/cal/`, { headers: { depth: '0' } })).status, 207)
})

t.test('copies of a folder side by side stay within the quota', async t => {
  const { ask, documents } = await house(t, { settings: { 'limits.quotaBytes': '10000' } })
  await ask('MKCOL', `${home}f/`)
  await ask('PUT', `${home}f/a.txt`, { body: 'x'.repeat(1000) })
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await ask('COPY', `${home}f/`, { headers: { destination: `${home}c${n}/` } })).status))
  t.equal(answers.filter(status => status === 201).length, 9, documents)
  t.equal(answers.filter(status => status === 507).length, 11)
})

t.test('PROPPATCH keeps to If-Match', async t => {
  const { ask } = await house(t)
  const { headers } = await ask('PUT', `${home}a.txt`, { body: 'a' })
  const body = '<propertyupdate xmlns="DAV:"><set><prop><displayname>a</displayname></prop></set></propertyupdate>'
  t.equal((await ask('PROPPATCH', `${home}a.txt`, { body, headers: { 'if-match': '"nonsense"' } })).status, 412)
  t.equal((await ask('PROPPATCH', `${home}a.txt`, { body, headers: { 'if-match': headers['etag'] ?? '' } })).status, 207)
})

t.test('a password in a Destination is in no log', async t => {
  const { ask, lines } = await house(t)
  await ask('PUT', `${home}a.txt`, { body: 'a' })
  t.equal((await ask('COPY', `${home}a.txt`, { headers: { destination: 'http://user:SECRET@other.example.org/x' } })).status, 502)
  t.match(lines.join('\n'), /other\.example\.org/)
  t.notMatch(lines.join('\n'), /SECRET/)
})

t.test('one name is one collection, however its accents are written', async t => {
  const { ask } = await house(t)
  t.equal((await ask('MKCALENDAR', `${home}caf%C3%A9/`)).status, 201)
  for (const method of ['MKCALENDAR', 'MKCOL']) t.equal((await ask(method, `${home}cafe%CC%81/`)).status, 405, method)
})
