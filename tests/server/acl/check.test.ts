import t from 'tap'
import { elements, text, child } from '../../../server/xml/element.js'
import { caldav, dav } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'

const bobs = '/calendars/users/bob/'
const byGuid = '/calendars/__uids__/00000000-0000-0000-0000-000000000002/'
const ns = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'

t.test('somebody else’s home: one refusal for everything, whether it is there or not', async t => {
  const { ask, lines } = await house(t)
  await ask('PUT', `${bobs}calendar/a.ics`, { user: 'bob', body: event('a'), headers: calendarType })
  await ask('MKCOL', `${bobs}folder/`, { user: 'bob' })
  const refused = async (method: string, url: string, body?: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await ask(method, url, { user: 'alice', ...(body === undefined ? {} : { body }), headers })
    t.equal(outcome(answer), '403 need-privileges', `${method} ${url}`)
    // DAVx5 undoes a local change only when it sees this element; the rest must not say what is there
    return answer.body.replace(url.replace(/\/$/, ''), 'asked').replace(headers['destination'] ?? 'asked', 'asked')
  }
  for (const base of [bobs, byGuid]) {
    for (const [there, not] of [['calendar/a.ics', 'calendar/none.ics'], ['calendar/', 'none/'], ['folder/', 'none/deeper/'], ['inbox/', 'none']] as const) {
      for (const [method, body, headers] of [
        ['GET'], ['HEAD'], ['DELETE'], ['PROPFIND', undefined, { depth: '0' }], ['PROPFIND', undefined, { depth: '1' }],
        ['PROPPATCH', `<D:propertyupdate ${ns}><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>`],
        ['REPORT', `<C:calendar-query ${ns}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`],
        ['REPORT', `<D:sync-collection ${ns}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`],
        ['COPY', undefined, { destination: '/calendars/users/alice/calendar/x.ics' }], ['MOVE', undefined, { destination: '/calendars/users/alice/calendar/x.ics' }]
      ] as readonly (readonly [string, string?, Record<string, string>?])[]) {
        if (method === 'HEAD') continue
        t.equal(await refused(method, base + there, body, headers), await refused(method, base + not, body, headers), `${method} tells nothing`)
      }
    }
    await refused('PROPFIND', base)
    const answers = new Set<string>()
    for (const name of ['calendar/a.ics', 'calendar/new.ics', 'none/new.ics', 'calendar/a.ics/b']) answers.add(await refused('PUT', base + name, event('a'), calendarType))
    for (const name of ['new/', 'calendar/', 'none/new/', 'calendar/new/']) {
      answers.add(await refused('MKCALENDAR', base + name))
      answers.add(await refused('MKCOL', base + name))
    }
    t.equal(answers.size, 1, [...answers].join('\n'))
  }
  await ask('PUT', '/calendars/users/alice/calendar/mine.ics', { body: event('mine'), headers: calendarType })
  const answers = new Set<string>()
  for (const destination of [`${bobs}calendar/b.ics`, `${bobs}calendar/a.ics`, `${bobs}none/b.ics`, `${bobs}calendar`, `${byGuid}calendar/b.ics`]) {
    for (const method of ['COPY', 'MOVE']) answers.add(await refused(method, '/calendars/users/alice/calendar/mine.ics', undefined, { destination }))
  }
  t.equal(answers.size, 1, [...answers].join('\n'))
  const href = [`${bobs}calendar/a.ics`, `${bobs}calendar/none.ics`, `${byGuid}calendar/a.ics`]
  const multiget = await ask('REPORT', '/calendars/users/alice/calendar/', { body: `<C:calendar-multiget ${ns}><D:prop><D:getetag/><C:calendar-data/></D:prop>${href.map(one => `<D:href>${one}</D:href>`).join('')}</C:calendar-multiget>` })
  t.same([...told(multiget.body)].map(([href, { status, condition }]) => [href, status, condition]), href.map(one => [one, 403, dav('need-privileges')]))
  t.notMatch(multiget.body, 'BEGIN:')
  const expand = await ask('REPORT', '/principals/users/bob/', { body: `<D:expand-property ${ns}><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"><D:property name="displayname"/></D:property></D:expand-property>` })
  t.match(expand.body, /403 Forbidden/)
  t.equal((await ask('GET', `${bobs}calendar/a.ics`, { user: 'bob' })).body, event('a'), 'and all is as it was')
  t.same([...told((await ask('PROPFIND', bobs, { user: 'bob', headers: { depth: '1' } })).body).keys()].sort(), ['', 'calendar/', 'folder/', 'inbox/', 'outbox/', 'tasks/'].map(name => bobs + name))
  t.same(lines, [])
})

t.test('what one may do is told as it is', async t => {
  const { ask } = await house(t)
  const privileges = async (url: string): Promise<string[]> => {
    const found = told((await ask('PROPFIND', url, { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:current-user-privilege-set/></D:prop></D:propfind>` })).body).get(url)?.properties.get(dav('current-user-privilege-set'))
    return found === undefined ? [] : elements(found.value).flatMap(privilege => elements(privilege)).map(({ name }) => name)
  }
  const own = await privileges('/calendars/users/alice/calendar/')
  for (const name of ['all', 'read', 'write', 'write-content', 'write-properties', 'bind', 'unbind']) t.ok(own.includes(dav(name)), name)
  t.ok(own.includes(caldav('read-free-busy')))
  t.same(await privileges('/principals/users/bob/'), [dav('read'), caldav('read-free-busy'), dav('read-current-user-privilege-set')])
  const refused = await ask('PROPPATCH', '/principals/users/alice/', { body: `<D:propertyupdate ${ns}><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>` })
  t.equal(outcome(refused), '403 need-privileges')
  const [needed] = elements(xml(refused.body))
  const resource = needed === undefined ? undefined : child(needed, dav('resource'))
  t.equal(text(child(resource ?? xml('<a/>'), dav('href')) ?? xml('<a/>')), '/principals/users/alice/')
  t.same(elements(child(resource ?? xml('<a/>'), dav('privilege')) ?? xml('<a/>')).map(({ name }) => name), [dav('write-properties')])
  const tree = await ask('PROPFIND', '/calendars/users/alice/calendar/', { headers: { depth: '0' }, body: `<D:propfind ${ns}><D:prop><D:supported-privilege-set/></D:prop></D:propfind>` })
  t.match(tree.body, /<D:supported-privilege><D:privilege><D:all\/><\/D:privilege>/)
})
