import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'

const home = '/calendars/users/alice/'
const calendar = `${home}calendar/`
const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8' }
const rows = (body: string): string[][] => [...body.matchAll(/<tr>((?:<td>.*?<\/td>)+)<\/tr>/g)].map(([, cells]) => [...(cells ?? '').matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell ?? ''))

t.test('a collection is a page: names, sizes, dates, what it is', async t => {
  const { ask } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  await ask('PUT', `${home}folder/notes.txt`, { body: 'hello' })
  await ask('PUT', `${calendar}a.ics`, { body: event('a'), headers: calendarType })
  const got = await ask('GET', home, { headers: browser })
  t.equal(got.headers['content-type'], 'text/html; charset=utf-8')
  t.match(got.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/)
  t.match(got.headers, { 'x-content-type-options': 'nosniff', etag: /^"/, 'last-modified': / GMT$/ })
  t.same(rows(got.body).map(([name, size, , type]) => [name, size, type]), [
    ['<a href="./calendar/">calendar/</a>', '', 'Calendar'], ['<a href="./folder/">folder/</a>', '', 'Folder'], ['<a href="./inbox/">inbox/</a>', '', 'Inbox'],
    ['<a href="./outbox/">outbox/</a>', '', 'Outbox'], ['<a href="./tasks/">tasks/</a>', '', 'Calendar']
  ])
  t.same(rows((await ask('GET', `${home}folder/`)).body).map(([name, size, date, type]) => [name, size, date?.slice(0, 2), type]), [['<a href="./notes.txt">notes.txt</a>', '5', '20', 'text/plain']])
  t.same(rows((await ask('GET', calendar, { headers: browser })).body).map(([name, , , type]) => [name, type]), [['<a href="./a.ics">a.ics</a>', 'text/calendar']])
  t.match((await ask('GET', '/')).body, /caldavd.*\.\/principals\/.*\.\/calendars\//s)
  t.same(rows((await ask('GET', '/principals/users/alice/')).body).map(([name]) => name), ['read', 'write'].map(half => `<a href="./calendar-proxy-${half}/">calendar-proxy-${half}/</a>`))
  const head = await ask('HEAD', home, { headers: browser })
  t.same([head.status, head.bytes.length, head.headers['etag']], [200, 0, got.headers['etag']])
  t.equal((await ask('GET', home, { headers: { ...browser, 'if-none-match': got.headers['etag'] ?? '' } })).status, 304)
  t.equal((await ask('GET', home, { headers: { ...browser, 'if-modified-since': got.headers['last-modified'] ?? '' } })).status, 304)
  await ask('MKCALENDAR', `${home}new/`)
  t.equal((await ask('GET', home, { headers: { ...browser, 'if-none-match': got.headers['etag'] ?? '' } })).status, 200)
})

t.test('who is a browser', async t => {
  const { ask } = await house(t)
  for (const [why, headers, isPage] of [
    ['a browser', browser, true], ['nothing said', {}, false], ['anything', { accept: '*/*' }, false], ['anything, by what calls itself a browser', { accept: '*/*', 'user-agent': 'Mozilla/5.0 Gecko/20100101' }, false],
    ['nothing said, by what calls itself a browser', { 'user-agent': 'Mozilla/Gecko' }, true], ['Outlook', { 'user-agent': 'Mozilla/4.0 (compatible; ms-office; MSOffice 16)' }, false],
    ['Thunderbird', { accept: 'text/calendar,text/plain;q=0.8,*/*;q=0.5', 'user-agent': 'Mozilla/5.0 Gecko/20100101 Thunderbird/128.0' }, false],
    ['the calendar rather', { accept: 'text/html;q=0.5, text/calendar' }, false], ['the page rather', { accept: 'text/calendar;q=0.2, Text/HTML ; q=0.9' }, true], ['no page', { accept: 'text/html;q=0' }, false], ['nonsense', { accept: ',;q=,text/html;q=x' }, false]
  ] as readonly (readonly [string, Record<string, string>, boolean])[]) {
    const got = await ask('GET', calendar, { headers })
    t.match(got.headers['content-type'], isPage ? /^text\/html/ : /^text\/calendar/, why)
    t.match(got.headers['vary'], /Accept, CalDAV-Timezones, User-Agent/)
  }
  const [page, feed] = [await ask('GET', calendar, { headers: browser }), await ask('GET', calendar)]
  t.not(page.headers['etag'], feed.headers['etag'])
})

t.test('without its slash a collection is elsewhere, for GET and HEAD alone', async t => {
  const { ask } = await house(t)
  for (const url of ['/principals', '/calendars', '/calendars/users/alice', '/calendars/users/alice/calendar', '/principals/users/alice']) {
    for (const method of ['GET', 'HEAD']) {
      const got = await ask(method, url, { headers: browser })
      t.same([got.status, got.headers['location']], [301, `${url}/`], `${method} ${url}`)
    }
  }
  t.equal((await ask('GET', '/calendars/users/alice/calendar?a=b&c=%0d%0a')).headers['location'], '/calendars/users/alice/calendar/?a=b&c=%0d%0a')
  t.equal((await ask('PROPFIND', '/calendars/users/alice/calendar', { headers: { depth: '0' } })).status, 207)
  t.equal((await ask('GET', '/calendars/users/bob', { user: 'alice' })).status, 403, 'what may not be seen has no slash')
  t.equal((await ask('GET', '/calendars/users/alice/none')).status, 404)
})

t.test('names stay names', async t => {
  const { ask, documents } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  const names = ['<script>alert(1)<', '"onmouseover=x', "'", 'javascript:alert(1)', 'a&lt;b', '100%', 'Grüße ?#.txt', '..x', '\u202efdp']
  for (const name of names) if (!name.startsWith('.')) writeFileSync(`${documents}/calendars/users/alice/folder/${name}`, 'x')
  mkdirSync(`${documents}/calendars/users/alice/<b>`)
  const { body } = await ask('GET', `${home}folder/`, { headers: browser })
  t.notMatch(body, /<script|<b>/)
  const links = [...body.matchAll(/<a href="([^"]*)">/g)].map(([, link]) => link ?? '').slice(1)
  t.equal(links.length, names.length - 1)
  for (const link of links) {
    t.ok(link.startsWith('./'), link)
    t.equal((await ask('GET', `${home}folder/${link.slice(2).replaceAll('&amp;', '&')}`)).body, 'x', link)
  }
  t.match((await ask('GET', home, { headers: browser })).body, '<a href="./%3Cb%3E/">&lt;b&gt;/</a>')
  t.match((await ask('GET', `${home}%3Cb%3E/`, { headers: browser })).body, '<title>/calendars/users/alice/&lt;b&gt;/</title>')
})

t.test('a long listing comes in pieces', async t => {
  const { ask, documents } = await house(t)
  await ask('MKCOL', `${home}folder/`)
  for (let number = 0; number < 2000; number++) writeFileSync(`${documents}/calendars/users/alice/folder/${number}.txt`, 'x')
  const got = await ask('GET', `${home}folder/`)
  t.equal(rows(got.body).length, 2000)
  t.equal(got.headers['content-length'], undefined)
  t.match(got.body, /<\/html>\n$/)
})
