import t from 'tap'
import { conditions, type ConditionName } from '../../../server/dav/condition.js'
import { DavError, errorBody, errorType, failed } from '../../../server/dav/error.js'
import { Multistatus } from '../../../server/dav/multistatus.js'
import { type Element, element } from '../../../server/xml/element.js'
import { caldav, dav, split } from '../../../server/xml/name.js'
import { parse } from '../../../server/xml/parse.js'
import { escapeText } from '../../../server/xml/write.js'

const limits = { bytes: 100_000_000, depth: 64, elements: 1_000_000 }
const read = (text: string): Element => parse(text, limits)

t.test('a multistatus', async t => {
  const it = new Multistatus()
  it.add("/a&b'/", [
    { status: 200, elements: [element(dav('resourcetype'), element(dav('collection')), element(caldav('calendar'))), element('{x}y', '<')] },
    { status: 403, elements: [element(dav('getetag'))], error: element(dav('cannot-modify-protected-property')) }
  ])
  it.addText('/text', [{ status: 200, xml: `<C:calendar-data>${escapeText('A\r\nB')}</C:calendar-data>` }])
  it.addText('/nothing', [])
  it.addStatus('/gone', 404)
  it.addStatus('/', 507, 'number-of-matches-within-limits')
  it.syncToken('data:,a_1')
  it.addError('/locked', failed('lock-token-submitted', 'locked', element(dav('href'), '/locked')))
  it.addError('/plain', new DavError(409, 'no parent'))
  const status = (text: string): Element => element(dav('status'), `HTTP/1.1 ${text}`)
  const response = (href: string, ...children: Element[]): (Element | string)[] => [element(dav('response'), element(dav('href'), href), ...children), '\n']
  t.strictSame(read(it.finish()), element(dav('multistatus'),
    ...response("/a&b'/",
      element(dav('propstat'), element(dav('prop'), element(dav('resourcetype'), element(dav('collection')), element(caldav('calendar'))), element('{x}y', '<')), status('200 OK')),
      element(dav('propstat'), element(dav('prop'), element(dav('getetag'))), status('403 Forbidden'), element(dav('error'), element(dav('cannot-modify-protected-property'))))),
    ...response('/text', element(dav('propstat'), element(dav('prop'), element(caldav('calendar-data'), 'A\r\nB')), status('200 OK'))),
    ...response('/nothing', element(dav('propstat'), element(dav('prop')), status('200 OK'))),
    ...response('/gone', status('404 Not Found')),
    ...response('/', status('507 Insufficient Storage'), element(dav('error'), element(dav('number-of-matches-within-limits')))),
    ...response('/locked', status('423 Locked'), element(dav('error'), element(dav('lock-token-submitted'), element(dav('href'), '/locked')))),
    ...response('/plain', status('409 Conflict')),
    element(dav('sync-token'), 'data:,a_1')))
  t.strictSame(read(new Multistatus().finish()), element(dav('multistatus')), 'without responses')
})

t.test('in pieces of about 64 KB it is the same text', async t => {
  const add = (it: Multistatus, number: number): void => { it.addText(`/a/${number}.ics`, [{ status: 200, xml: '<D:getetag>"0123456789"</D:getetag>' }]) }
  const whole = new Multistatus()
  function * pieces (): Generator<string> {
    const it = new Multistatus()
    for (let number = 0; number < 2_000; number++) {
      add(it, number)
      if (it.isFull) yield it.take()
    }
    yield it.finish()
  }
  for (let number = 0; number < 2_000; number++) add(whole, number)
  const parts = [...pieces()]
  t.equal(parts.join(''), whole.finish())
  t.ok(parts.length > 3 && parts.every(part => part.length < 66_000), `${parts.length} pieces`)
})

t.test('10,000 responses are written at once', async t => {
  const start = process.cpuUsage()
  const it = new Multistatus()
  let length = 0
  for (let number = 0; number < 10_000; number++) {
    it.addText(`/calendars/ann/work/${number}.ics`, [{ status: 200, xml: `<D:getetag>"${number}"</D:getetag><D:getcontenttype>text/calendar</D:getcontenttype>` }])
    if (it.isFull) length += it.take().length
  }
  length += it.finish().length
  const { user, system } = process.cpuUsage(start)
  t.ok(user + system < 500_000, `${(user + system) / 1000} ms, ${length} characters`)
})

t.test('errors', async t => {
  const error = failed('no-uid-conflict', 'UID x is in b.ics', element(dav('href'), '/b.ics'))
  t.match(error, { name: 'DavError', status: 403, message: 'UID x is in b.ics' })
  t.ok(error instanceof Error)
  const words = (text: string): Element => element('{http://twistedmatrix.com/xml_namespace/dav/}error-description', text)
  t.strictSame(read(errorBody(error)), element(dav('error'), element(caldav('no-uid-conflict'), element(dav('href'), '/b.ics')), words('UID x is in b.ics')), 'the condition first, then what is wrong with the data')
  const internal = failed('sufficient-disk-space', '/srv/state/index is full')
  t.strictSame(read(errorBody(internal)), element(dav('error'), element(dav('sufficient-disk-space'))), 'one child, no message: it may name what is on the disk')
  t.match(errorType(error), /^application\/xml/)
  const plain = new DavError(405, 'not here', { headers: { Allow: 'GET' }, cause: error })
  t.strictSame([plain.headers, plain.cause, plain.element], [{ Allow: 'GET' }, error, undefined])
  t.equal(errorBody(plain), 'not here\n', 'no empty DAV:error')
  t.match(errorType(plain), /^text\/plain/)
})

t.test('conditions', async t => {
  for (const key of Object.keys(conditions) as ConditionName[]) {
    const { name, status } = conditions[key]
    t.equal(split(name)[1], key)
    t.ok([400, 403, 409, 412, 423, 507].includes(status), key)
    t.match(read(errorBody(failed(key, 'x'))).children[0], { name })
  }
})
