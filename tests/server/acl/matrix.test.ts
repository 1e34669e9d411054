import t, { type Test } from 'tap'
import { expanded, treeOf } from '../../../server/acl/privilege.js'
import { methods } from '../../../server/method/table.js'
import { elements } from '../../../server/xml/element.js'
import { caldav, dav, type Name } from '../../../server/xml/name.js'
import { calendarType, event } from '../../event.js'
import { house, type Answer, type House } from '../../house.js'
import { outcome, told, xml } from '../../multistatus.js'
import { ace, ns, person, privilege, share } from './share.js'

// alice shares; bob has what is granted; carol may read for her, dave write for her; erin is somebody else; root is an administrator
const accounts = `
[users.alice]
password = "plain:alice"
readProxies = ["users/carol"]
proxies = ["users/dave"]
`
const users = ['bob', 'carol', 'dave', 'erin', 'root']
const settings = { 'access.admins': 'users/root', 'access.busy': 'false' }

// some two thousand requests
t.setTimeout(300_000)

const home = '/calendars/users/alice/'
const work = `${home}work/`
const shelf = `${home}shelf/`
const file = `${work}a.ics`
const ofCalendar = { 'content-type': 'text/calendar' }
const xmlType = { 'content-type': 'application/xml' }

type Ask = (method: string, url: string, body?: string, headers?: Record<string, string>) => Promise<Answer>

/** One thing that somebody may try. */
interface Act {
  readonly method: string
  readonly does: string
  /** RFC 3744 appendix B, RFC 4791 7.10 and appendix A: what is needed, and on what; `home` has nobody's ACL. */
  readonly needs: readonly (readonly ['work' | 'shelf' | 'home', Name])[]
  readonly succeeds: number
  /** RFC 4791 7.10: whoever may not do it is told that nothing is there. */
  readonly isConcealed?: true
  /** `who` asks; `own` is a calendar of hers; `root` is the administrator. */
  readonly run: (who: Ask, own: string, root: Ask) => Promise<Answer>
  readonly changes?: true
}

/** Another calendar of hers, which has an event of the same UID. */
const twin = (own: string): string => own.replace(/own\/$/, 'twin/')
const on = (place: 'work' | 'shelf' | 'home', ...names: string[]): Act['needs'] => names.map(name => [place, dav(name)] as const)
const report = (name: string, body: string): [string, string] => ['REPORT', `<${name} ${ns}>${body}</${name}>`]
const propertyupdate = `<D:propertyupdate ${ns}><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>`
const anyFilter = '<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'
const lockinfo = `<D:lockinfo ${ns}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`

async function unlocked (who: Ask, url: string, answer: Answer): Promise<Answer> {
  const token = answer.headers['lock-token']
  if (token !== undefined) await who('UNLOCK', url, undefined, { 'lock-token': token })
  return answer
}

const acts: readonly Act[] = [
  { method: 'GET', does: 'an event', needs: on('work', 'read'), succeeds: 200, run: who => who('GET', file) },
  { method: 'GET', does: 'a calendar', needs: on('work', 'read'), succeeds: 200, run: who => who('GET', work) },
  { method: 'HEAD', does: 'an event', needs: on('work', 'read'), succeeds: 200, run: who => who('HEAD', file) },
  { method: 'PROPFIND', does: 'a calendar', needs: on('work', 'read'), succeeds: 207, run: who => who('PROPFIND', work, undefined, { depth: '0' }) },
  { method: 'PROPFIND', does: 'a calendar and below', needs: on('work', 'read'), succeeds: 207, run: who => who('PROPFIND', work, undefined, { depth: 'infinity' }) },
  { method: 'PROPFIND', does: 'the home and below', needs: on('home', 'read'), succeeds: 207, run: who => who('PROPFIND', home, undefined, { depth: 'infinity' }) },
  { method: 'PROPFIND', does: 'an event', needs: on('work', 'read'), succeeds: 207, run: who => who('PROPFIND', file, undefined, { depth: '0' }) },
  ...([
    ['calendar-query', ...report('C:calendar-query', anyFilter)],
    ['calendar-multiget', ...report('C:calendar-multiget', `<D:prop><D:getetag/></D:prop><D:href>${file}</D:href>`)],
    ['sync-collection', ...report('D:sync-collection', '<D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>')],
    ['expand-property', ...report('D:expand-property', '<D:property name="owner"/>')]
  ] as const).map(([does, method, body]): Act => ({ method, does, needs: on('work', 'read'), succeeds: 207, run: who => who('REPORT', work, body, { ...xmlType, depth: does === 'expand-property' ? '0' : '1' }) })),
  {
    method: 'REPORT', does: 'free-busy-query', needs: [['work', caldav('read-free-busy')]], succeeds: 200, isConcealed: true,
    run: who => who('REPORT', work, report('C:free-busy-query', '<C:time-range start="20260101T000000Z" end="20270101T000000Z"/>')[1], { ...xmlType, depth: '1' })
  },
  { method: 'PUT', does: 'a change', needs: on('work', 'write-content'), succeeds: 204, changes: true, run: who => who('PUT', file, event('a', { SUMMARY: 'changed' }), ofCalendar) },
  { method: 'PUT', does: 'a new event', needs: on('work', 'bind'), succeeds: 201, changes: true, run: who => who('PUT', `${work}new.ics`, event('new'), ofCalendar) },
  { method: 'PUT', does: 'a new file', needs: on('shelf', 'bind'), succeeds: 201, changes: true, run: who => who('PUT', `${shelf}new.txt`, 'new') },
  { method: 'DELETE', does: 'an event', needs: on('work', 'unbind'), succeeds: 204, changes: true, run: who => who('DELETE', file) },
  { method: 'DELETE', does: 'a calendar', needs: on('home', 'unbind'), succeeds: 204, changes: true, run: who => who('DELETE', work) },
  { method: 'MKCOL', does: 'in a folder', needs: on('shelf', 'bind'), succeeds: 201, changes: true, run: who => who('MKCOL', `${shelf}new/`) },
  { method: 'MKCOL', does: 'in the home', needs: on('home', 'bind'), succeeds: 201, changes: true, run: who => who('MKCOL', `${home}new/`) },
  { method: 'MKCALENDAR', does: 'in a folder', needs: on('shelf', 'bind'), succeeds: 201, changes: true, run: who => who('MKCALENDAR', `${shelf}new/`) },
  { method: 'MKCALENDAR', does: 'in the home', needs: on('home', 'bind'), succeeds: 201, changes: true, run: who => who('MKCALENDAR', `${home}new/`) },
  { method: 'PROPPATCH', does: 'an event', needs: on('work', 'write-properties'), succeeds: 207, changes: true, run: who => who('PROPPATCH', file, propertyupdate, xmlType) },
  { method: 'PROPPATCH', does: 'a calendar', needs: on('work', 'write-properties'), succeeds: 207, changes: true, run: who => who('PROPPATCH', work, propertyupdate, xmlType) },
  { method: 'PROPPATCH', does: 'a folder', needs: on('shelf', 'write-properties'), succeeds: 207, changes: true, run: who => who('PROPPATCH', shelf, propertyupdate, xmlType) },
  ...[file, work].map((url): Act => ({ method: 'ACL', does: url, needs: on('work', 'write-acl'), succeeds: 200, changes: true, run: who => who('ACL', url, `<D:acl ${ns}/>`, xmlType) })),
  { method: 'ACL', does: shelf, needs: on('shelf', 'write-acl'), succeeds: 200, changes: true, run: who => who('ACL', shelf, `<D:acl ${ns}/>`, xmlType) },
  { method: 'COPY', does: 'an event out', needs: on('work', 'read'), succeeds: 201, changes: true, run: (who, own) => who('COPY', file, undefined, { destination: `${own}out.ics` }) },
  { method: 'COPY', does: 'an event in', needs: on('work', 'bind'), succeeds: 201, changes: true, run: (who, own) => who('COPY', `${own}own.ics`, undefined, { destination: `${work}in.ics` }) },
  {
    method: 'COPY', does: 'an event over another', needs: on('work', 'write-content', 'write-properties'), succeeds: 204, changes: true,
    run: (who, own) => who('COPY', `${twin(own)}a.ics`, undefined, { destination: file })
  },
  // what somebody takes along she must be able to read
  { method: 'MOVE', does: 'an event out', needs: on('work', 'unbind', 'read'), succeeds: 201, changes: true, run: (who, own) => who('MOVE', file, undefined, { destination: `${own}out.ics` }) },
  { method: 'MOVE', does: 'an event in', needs: on('work', 'bind'), succeeds: 201, changes: true, run: (who, own) => who('MOVE', `${own}own.ics`, undefined, { destination: `${work}in.ics` }) },
  { method: 'MOVE', does: 'an event over another', needs: on('work', 'bind', 'unbind'), succeeds: 204, changes: true, run: (who, own) => who('MOVE', `${twin(own)}a.ics`, undefined, { destination: file }) },
  { method: 'MOVE', does: 'a calendar', needs: on('home', 'bind', 'unbind'), succeeds: 201, changes: true, run: who => who('MOVE', work, undefined, { destination: `${home}moved/` }) },
  { method: 'LOCK', does: 'an event', needs: on('work', 'write-content'), succeeds: 200, run: async who => await unlocked(who, file, await who('LOCK', file, lockinfo, { ...xmlType, timeout: 'Second-60' })) },
  {
    method: 'LOCK', does: 'a name', needs: on('work', 'bind'), succeeds: 201, changes: true,
    run: async who => await unlocked(who, `${work}new.ics`, await who('LOCK', `${work}new.ics`, lockinfo, { ...xmlType, timeout: 'Second-60' }))
  },
  {
    method: 'UNLOCK', does: 'the lock of somebody else', needs: on('work', 'unlock'), succeeds: 204,
    run: async (who, _, root) => {
      const lock = await root('LOCK', file, lockinfo, { ...xmlType, timeout: 'Second-60' })
      const token = lock.headers['lock-token'] ?? ''
      const answer = await who('UNLOCK', file, undefined, { 'lock-token': token })
      await root('UNLOCK', file, undefined, { 'lock-token': token })
      return answer
    }
  },
  // RFC 5995 3: a new member of the collection
  { method: 'POST', does: 'a new event', needs: on('work', 'bind'), succeeds: 201, changes: true, run: who => who('POST', `${work};add-member`, event('posted'), ofCalendar) }
]

const all = expanded(treeOf('calendar'))
const none: readonly Name[] = []
const reading = [dav('read'), caldav('read-free-busy'), dav('read-current-user-privilege-set')]
const changing = ['write', 'write-properties', 'write-content', 'bind', 'unbind'].map(name => dav(name))

/** What several privileges together contain. */
function contained (granted: readonly Name[]): Set<Name> {
  const parts: Readonly<Partial<Record<Name, readonly Name[]>>> = { [dav('read')]: reading, [dav('write')]: changing, [dav('all')]: all }
  return new Set(granted.flatMap(name => parts[name] ?? [name]))
}

t.test('every method is tried', async t => {
  for (const method of methods.keys()) t.ok(acts.some(act => act.method === method), method)
})

/** A server with alice's things as they are at the beginning of every act, and bob granted these privileges on them. */
class Scene {
  #isFresh = false
  #before: string | undefined
  constructor (readonly ask: House['ask'], readonly granted: readonly Name[]) {}

  of (user: string | undefined): Ask {
    return (method, url, body, headers = {}) => this.ask(method, url, { user, headers, ...(body === undefined ? {} : { body }) })
  }

  /** What there is, whose properties and lists it has. */
  async state (): Promise<string> {
    return (await this.of('alice')('PROPFIND', home, `<D:propfind ${ns}><D:prop><D:getetag/><D:acl/><x xmlns="urn:x"/><D:lockdiscovery/></D:prop></D:propfind>`, { depth: 'infinity' })).body
  }

  /** The same as long as nobody was allowed to change anything. */
  async before (): Promise<string> {
    return this.#before ??= await this.state()
  }

  async fresh (own: string, user: string | undefined): Promise<void> {
    if (this.#isFresh) return
    this.#before = undefined
    const alice = this.of('alice')
    for (const url of [work, shelf, `${home}new/`, `${home}moved/`]) await alice('DELETE', url)
    if (user !== undefined) {
      const hers = this.of(user)
      for (const [calendar, name, uid] of [[own, 'own', 'own'], [twin(own), 'a', 'a']] as const) {
        await hers('DELETE', calendar)
        await hers('MKCALENDAR', calendar)
        await hers('PUT', `${calendar}${name}.ics`, event(uid), ofCalendar)
      }
    }
    await alice('MKCALENDAR', work)
    await alice('MKCOL', shelf)
    await alice('PUT', file, event('a'), ofCalendar)
    if (this.granted.length === 0) return
    for (const url of [work, shelf]) {
      const answer = await share(this.ask, url, [ace(person('users/bob'), this.granted.map(privilege))])
      if (answer.status !== 200) throw new Error(`ACL ${url}: ${answer.status} ${answer.body}`)
    }
  }

  keep (isFresh: boolean): void {
    this.#isFresh = isFresh
  }
}

async function tryAll (t: Test, scene: Scene, user: string | undefined, held: Readonly<Record<'work' | 'shelf' | 'home', ReadonlySet<Name>>>): Promise<void> {
  const own = `/calendars/users/${user ?? 'alice'}/own/`
  const who = scene.of(user)
  scene.keep(false)
  for (const { method, does, needs, succeeds, isConcealed, run, changes } of acts) {
    if (!methods.has(method)) continue
    await scene.fresh(own, user)
    const isAllowed = needs.every(([place, name]) => held[place].has(name))
    const before = isAllowed ? '' : await scene.before()
    const answer = await run(who, own, scene.of('root'))
    const what = `${method} ${does}`
    scene.keep(!(isAllowed && changes === true))
    if (isAllowed) t.equal(outcome(answer), String(succeeds), what)
    else {
      t.equal(method === 'HEAD' ? String(answer.status) : outcome(answer), user === undefined ? '401' : isConcealed === true ? '404' : method === 'HEAD' ? '403' : '403 need-privileges', what)
      if (user === undefined) t.match(answer.headers['www-authenticate'], /Basic realm=/, what)
      else if (method !== 'HEAD' && isConcealed !== true) {
        const [needed] = elements(xml(answer.body)).flatMap(error => elements(error)).map(resource => elements(resource).flatMap(part => elements(part)).map(({ name }) => name))
        t.ok(needed?.some(name => name === dav('read') || needs.some(([, each]) => each === name)), `${what}: ${String(needed)} is what is needed`)
      }
      if (changes === true) t.equal(await scene.state(), before, `${what} has done nothing`)
    }
  }
}

const steady = { alice: all, root: all, carol: reading, dave: [...reading, ...changing], erin: none }

for (const [user, held] of [...Object.entries(steady), ['nobody', none] as const]) {
  t.test(`without any list: ${user}`, async t => {
    const { ask, lines } = await house(t, { users, accounts, settings })
    const set = new Set(held)
    await tryAll(t, new Scene(ask, []), user === 'nobody' ? undefined : user, { work: set, shelf: set, home: set })
    t.same(lines, [])
  })
}

const together: readonly (readonly Name[])[] = [['read', 'unbind'], ['bind', 'unbind'], ['write-content', 'write-properties'], ['read', 'write']].map(names => names.map(name => dav(name)))

for (const granted of [...all.map(name => [name]), ...together]) {
  t.test(`who has ${granted.map(name => name.slice(name.indexOf('}') + 1)).join(' and ')}, and nothing else`, async t => {
    const { ask, lines } = await house(t, { users, accounts, settings })
    const set = contained(granted)
    const scene = new Scene(ask, granted)
    await tryAll(t, scene, 'bob', { work: set, shelf: set, home: new Set() })
    // what is given to one is nothing to others
    scene.keep(false)
    await scene.fresh('/calendars/users/erin/own/', 'erin')
    for (const user of ['erin', undefined]) t.equal((await scene.of(user)('PROPFIND', work, undefined, { depth: '0' })).status, user === undefined ? 401 : 403)
    t.same(lines, [])
  })
}

t.test('lists that name everybody', async t => {
  for (const [principal, who] of Object.entries({
    '<D:all/>': ['erin', undefined], '<D:authenticated/>': ['erin'], '<D:unauthenticated/>': [undefined], '<D:property><D:owner/></D:property>': [], '<D:self/>': []
  })) {
    const { ask } = await house(t, { users, accounts, settings })
    await ask('MKCALENDAR', work, { user: 'alice' })
    await ask('PUT', file, { user: 'alice', body: event('a'), headers: calendarType })
    t.equal((await share(ask, work, [ace(principal, ['<D:read/>', '<D:bind/>'])])).status, 200)
    for (const user of ['erin', undefined]) {
      const may = (who as readonly (string | undefined)[]).includes(user)
      const refused = user === undefined ? 401 : 403
      const name = user ?? 'stranger'
      t.equal((await ask('GET', file, { user })).status, may ? 200 : refused, `${principal}: ${name} reads`)
      t.equal((await ask('GET', `${work}none.ics`, { user })).status, may ? 404 : refused, `${principal}: ${name} reads what is not there`)
      t.equal((await ask('PUT', `${work}${name}.ics`, { user, body: event(name), headers: calendarType })).status, may ? 201 : refused, `${principal}: ${name} adds`)
      t.equal((await ask('DELETE', file, { user })).status, refused, `${principal}: ${name} removes`)
      const listed = await ask('PROPFIND', work, { user, headers: { depth: '1' } })
      t.equal(listed.status, may ? 207 : refused, `${principal}: ${name} lists`)
      if (may) t.ok(told(listed.body).has(file))
    }
  }
})
