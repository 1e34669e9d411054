import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { dav } from '../../../server/xml/name.js'
import { text } from '../../../server/xml/element.js'
import { ace, ns, person, share } from '../acl/share.js'
import { calendarType, event } from '../../event.js'
import { house, type House } from '../../house.js'
import { outcome, syncTokenIn, told, type Told } from '../../multistatus.js'

const home = '/calendars/users/alice/'
const calendars = ['work/', 'play/', 'shelf/deep/'].map(name => home + name)
const names = ['a', 'b', 'c', 'd'].map(name => `${name}.ics`)

/** Numbers from 0 up to a bound, the same ones for the same seed. */
function dice (seed: number): (bound: number) => number {
  let state = seed
  return bound => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** A client that follows one collection by sync-collection and holds href → ETag ('' for collections). */
class Follower {
  readonly #ask: House['ask']
  readonly user: string
  readonly url: string
  readonly level: '1' | 'infinite'
  #token = ''
  /** Pages of an answer from the start that has not been told to the end. */
  readonly held = new Map<string, string>()
  /** How often it had to start over, and what was told as gone. */
  restarts = 0
  readonly losses = new Set<string>()

  constructor (ask: House['ask'], user: string, url: string, level: '1' | 'infinite') {
    this.#ask = ask
    this.user = user
    this.url = url
    this.level = level
  }

  /** One page. @returns whether there is more */
  async page (limit: number | undefined): Promise<boolean> {
    const most = limit === undefined ? '' : `<D:limit><D:nresults>${limit}</D:nresults></D:limit>`
    const answer = await this.#ask('REPORT', this.url, {
      user: this.user, headers: { 'content-type': 'application/xml' },
      body: `<D:sync-collection ${ns}><D:sync-token>${this.#token}</D:sync-token><D:sync-level>${this.level}</D:sync-level>${most}<D:prop><D:getetag/></D:prop></D:sync-collection>`
    })
    if (answer.status !== 207) {
      this.held.clear()
      const isVoid = outcome(answer) === '403 valid-sync-token'
      if (isVoid) this.restarts++
      if (!isVoid && answer.status !== 403 && answer.status !== 404) throw new Error(`${this.user} ${this.url}: ${outcome(answer)} ${answer.body}`)
      if (isVoid && this.#token === '') throw new Error('a start cannot be void')
      this.#token = ''
      return isVoid
    }
    const all = [...told(answer.body)]
    const isStart = this.#token === ''
    if (isStart) this.held.clear()
    const isCut = all.some(([href, { status }]) => href === this.url && status === 507)
    const news = all.filter(([href]) => href !== this.url)
    if (limit !== undefined && news.length > limit) throw new Error(`${news.length} are told, at most ${limit} were asked for`)
    for (const [href, one] of news) this.#learn(href, one, isStart, news)
    const token = syncTokenIn(answer.body)
    if (isCut && token === this.#token) throw new Error('goes round in a circle')
    this.#token = token
    return isCut
  }

  #learn (href: string, one: Told, isStart: boolean, news: readonly (readonly [string, Told])[]): void {
    if (one.status === undefined) {
      const etag = one.properties.get(dav('getetag'))
      this.held.set(href, etag?.status === 200 ? text(etag.value) : '')
      return
    }
    if (one.status !== 404 || isStart) throw new Error(`${href}: ${one.status}`)
    this.losses.add(href)
    this.held.delete(href)
    if (!href.endsWith('/')) return
    for (const below of [...this.held.keys()]) if (below.startsWith(href)) this.held.delete(below)
    // RFC 6578 3.5.2
    const more = news.find(([other, { status }]) => other !== href && other.startsWith(href) && status === 404)
    if (more !== undefined) throw new Error(`${more[0]} went with ${href}`)
  }
}

/** What PROPFIND lists: href → ETag, without the collection itself. */
async function listing (ask: House['ask'], user: string, url: string, depth: '1' | 'infinity'): Promise<Map<string, string>> {
  const answer = await ask('PROPFIND', url, { user, headers: { depth, 'content-type': 'application/xml' }, body: '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>' })
  if (answer.status !== 207) return new Map()
  return new Map([...told(answer.body)].filter(([href]) => href !== url).map(([href, { properties }]) => {
    const etag = properties.get(dav('getetag'))
    return [href, etag?.status === 200 ? text(etag.value) : '']
  }))
}

/** Something happens, by alice or by hand. */
async function happen ({ ask, documents }: House, roll: (bound: number) => number, turn: number): Promise<string> {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T
  const calendar = pick(calendars)
  const there = calendars.flatMap(each => namesIn(documents + each).map(name => each + name))
  // mostly one that is there
  const one = there.length > 0 && roll(10) > 0 ? pick(there) : calendar + pick(names)
  const url = calendar + pick(names)
  const put = async (to: string, body = event(to.replace(/\W/g, '-'), { SUMMARY: String(turn) })): Promise<string> =>
    `PUT ${to} ${(await ask('PUT', to, { body, headers: calendarType })).status}`
  const transfer = async (method: string, from: string, to: string): Promise<string> =>
    `${method} ${from} ${to} ${(await ask(method, from, { headers: { destination: to, overwrite: roll(2) === 0 ? 'T' : 'F' } })).status}`
  const bob = person('users/bob')
  const rights = async (to: string): Promise<string> => {
    const denied = roll(2) === 0
    return `ACL ${to} ${denied ? 'denied' : 'open'} ${(await share(ask, to, denied ? [ace(bob, ['<D:read/>'], 'deny')] : [])).status}`
  }
  const patch = async (to: string): Promise<string> =>
    `PROPPATCH ${to} ${(await ask('PROPPATCH', to, { body: `<D:propertyupdate ${ns}><D:set><D:prop><x xmlns="urn:x">${turn}</x></D:prop></D:set></D:propertyupdate>` })).status}`
  const acts: readonly (readonly [number, () => Promise<string>])[] = [
    [20, async () => await put(url)],
    [2, async () => await put(one, event(one.replace(/\W/g, '-')))],
    [5, async () => `DELETE ${one} ${(await ask('DELETE', one)).status}`],
    [3, async () => await transfer('MOVE', one, pick(calendars) + pick(names))],
    [2, async () => await transfer('COPY', one, pick(calendars) + pick(names))],
    [9, async () => await rights(one)],
    [4, async () => await rights(calendar)],
    [1, async () => await rights(`${home}shelf/`)],
    [2, async () => await patch(one)],
    [2, async () => await patch(calendar)],
    [1, async () => `DELETE ${calendar} ${(await ask('DELETE', calendar)).status}`],
    [0.5, async () => `DELETE shelf ${(await ask('DELETE', `${home}shelf/`)).status}`],
    [5, async () => {
      await ask('MKCOL', `${home}shelf/`)
      return `MKCALENDAR ${calendar} ${(await ask('MKCALENDAR', calendar)).status}`
    }],
    [2, async () => await transfer('MOVE', calendar, pick(calendars))],
    [1, async () => await transfer('MOVE', `${home}shelf/`, `${home}other/`)],
    [1, async () => await transfer('MOVE', `${home}other/`, `${home}shelf/`)],
    [2, async () => await put(`${home}shelf/${pick(names)}`, 'x')],
    [1, async () => {
      try {
        writeFileSync(documents + url, event(`by hand ${turn}`))
      } catch {}
      return `by hand ${url}`
    }],
    [1, async () => {
      rmSync(documents + one, { force: true })
      return `rm ${one}`
    }]
  ]
  let number = roll(1000) / 1000 * acts.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, act] of acts) {
    if (number < weight) return await act()
    number -= weight
  }
  return 'nothing'
}

function namesIn (directory: string): string[] {
  try {
    return readdirSync(directory).filter(name => name.endsWith('.ics'))
  } catch {
    return []
  }
}

/** Lets bob read all of alice's home, but for what is denied to him; or not. */
async function delegate ({ ask }: House, isProxy: boolean): Promise<void> {
  const members = isProxy ? person('users/bob') : ''
  const answer = await ask('PROPPATCH', '/principals/users/alice/calendar-proxy-read/', {
    body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:group-member-set>${members}</D:group-member-set></D:prop></D:set></D:propertyupdate>`
  })
  if (answer.status !== 207) throw new Error(outcome(answer))
}

for (const seed of [1, 22, 35]) {
  t.test(`whoever follows the changes knows what a listing shows, seed ${seed}`, async t => {
    const it = await house(t)
    const { ask, lines } = it
    const roll = dice(seed)
    await delegate(it, true)
    await ask('MKCOL', `${home}shelf/`)
    for (const url of calendars) await ask('MKCALENDAR', url)
    const followers = [
      new Follower(ask, 'alice', home, 'infinite'), new Follower(ask, 'alice', `${home}work/`, '1'), new Follower(ask, 'bob', home, 'infinite'),
      new Follower(ask, 'bob', home, '1'), new Follower(ask, 'bob', `${home}work/`, '1'), new Follower(ask, 'bob', `${home}shelf/`, 'infinite')
    ]
    const seen = new Set<string>()
    const log: string[] = []
    const act = async (turn: number): Promise<void> => {
      log.push(await happen(it, roll, turn))
      for (const href of (await listing(ask, 'bob', home, 'infinity')).keys()) seen.add(href)
    }
    let compared = 0
    for (let round = 0; round < 110; round++) {
      for (let count = roll(6); count >= 0; count--) await act(round)
      if (roll(40) === 0) {
        await delegate(it, false)
        log.push('bob is no proxy')
        for (const follower of followers.filter(({ user }) => user === 'bob')) if (roll(2) === 0) await follower.page(undefined)
        await delegate(it, true)
      }
      for (const follower of followers) {
        // some stay behind, some stop in the middle, and some go on while things happen
        if (roll(2) === 0) continue
        const limit = roll(3) === 0 ? undefined : 1 + roll(4)
        const patience = roll(4) === 0 ? 1 + roll(3) : Infinity
        const isHasty = roll(4) === 0
        let more = true
        for (let page = 0; more && page < Math.min(patience, 500); page++) {
          more = await follower.page(limit)
          if (more && isHasty && page < 5) await act(round)
        }
        log.push(`${follower.user} ${follower.url} ${follower.level}${more ? ', not to the end' : ''}`)
        if (more) continue
        const { user, url, level } = follower
        const expected = await listing(ask, user, url, level === '1' ? '1' : 'infinity')
        compared++
        if (!isSame(follower.held, expected)) {
          t.same(Object.fromEntries(sorted(follower.held)), Object.fromEntries(sorted(expected)), `${user} ${url} ${level}, round ${round}`)
          t.fail(log.slice(-60).join('\n'))
          return
        }
      }
    }
    for (const follower of followers) {
      if (follower.user === 'alice') t.equal(follower.restarts, 0, `${follower.url}: an owner never has to start over`)
      else t.same([...follower.losses].filter(href => !seen.has(href)), [], `${follower.url}: no name of what bob could never see`)
    }
    t.ok(compared > 200, `${compared} comparisons`)
    t.ok(followers.some(({ user, losses }) => user === 'bob' && losses.size > 5), 'something was lost')
    t.same(lines.filter(line => !/UID|put back/.test(line)), [], 'but for what files made by hand bring about')
  })
}

function sorted (held: ReadonlyMap<string, string>): [string, string][] {
  return [...held].sort(([a], [b]) => a < b ? -1 : 1)
}

function isSame (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}
