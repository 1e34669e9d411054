import { calendarMultiGet, createObject, deleteObject, makeCalendar, propfind, smartCollectionSync, syncCollection, updateObject, type DAVCollection, type DAVResponse } from 'tsdav'

/** What a client has of one event. */
export interface Item { readonly etag: string, readonly text: string }

/** What a client has of one calendar. */
interface Calendar { token: string, ctag: string, readonly items: Map<string, Item>, hasWritten: boolean }

/** How a client keeps up: RFC 6578, ctag and ETags, or tsdav's own way. */
export type Way = 'token' | 'listing' | 'tsdav'

/** A client with a copy of its own of some people's calendars. */
export class Client {
  readonly name: string
  readonly #way: Way
  readonly #owners: readonly string[]
  readonly #headers: Record<string, string>
  #url = ''
  /** `alice/work` → */
  readonly #calendars = new Map<string, Calendar>()

  constructor (user: string, way: Way, owners: readonly string[]) {
    this.name = `${user} by ${way}`
    this.#way = way
    this.#owners = owners
    this.#headers = { authorization: `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}` }
  }

  /** The server is to be found here from now on: `http://127.0.0.1:1234`. */
  at (url: string): void {
    this.#url = url
  }

  get owners (): readonly string[] {
    return this.#owners
  }

  get calendars (): string[] {
    return [...this.#calendars.keys()]
  }

  items (calendar: string): ReadonlyMap<string, Item> {
    return this.#calendars.get(calendar)?.items ?? new Map<string, Item>()
  }

  /** The ETag of what the client has of a path; '' when it has nothing. */
  etag (path: string): string {
    const cut = path.lastIndexOf('/')
    return this.items(path.slice(0, cut)).get(path.slice(cut + 1))?.etag ?? ''
  }

  /** Of a calendar or of something in it. */
  hrefOf (path: string): string {
    return `${this.#url}/calendars/users/${path.split('/').map(encodeURIComponent).join('/')}`
  }

  /** Brings the copy up to date. */
  async sync (): Promise<void> {
    for (const owner of this.#owners) await this.#syncHome(owner)
  }

  async #syncHome (owner: string): Promise<void> {
    const found = new Map<string, { token: string, ctag: string }>()
    const answers = await propfind({ url: `${this.hrefOf(owner)}/`, depth: '1', headers: this.#headers, props: { 'd:resourcetype': {}, 'cs:getctag': {}, 'd:sync-token': {} } })
    for (const { href = '', props, ok, status, statusText } of answers) {
      if (!ok) throw new Error(`${this.name}: ${href} is ${status} ${statusText}`)
      if (props?.['resourcetype']?.calendar === undefined) continue
      found.set(`${owner}/${lastOf(href)}`, { token: textOf(props['syncToken']), ctag: textOf(props['getctag']) })
    }
    for (const path of this.calendars) if (path.startsWith(`${owner}/`) && !found.has(path)) this.#calendars.delete(path)
    for (const [path, now] of found) {
      const calendar = this.#calendars.get(path) ?? { token: '', ctag: '', items: new Map<string, Item>(), hasWritten: false }
      this.#calendars.set(path, calendar)
      if (this.#way === 'token') await this.#byToken(path, calendar, now.token)
      else if (this.#way === 'listing') await this.#byListing(path, calendar, now.ctag)
      else await this.#byTsdav(path, calendar, now)
    }
  }

  async #byToken (path: string, calendar: Calendar, token: string): Promise<void> {
    if (calendar.token === token) return
    let answers = await this.#changes(path, calendar.token)
    if (answers[0]?.status === 403) {
      // the token is void: whoever is not listed is gone
      calendar.token = ''
      answers = await this.#changes(path, '')
    }
    const isWhole = calendar.token === ''
    const listed = new Map<string, string | undefined>()
    for (const { href = '', status, props } of answers) {
      if (href.endsWith('/') || href === '') continue
      listed.set(lastOf(href), status === 404 ? undefined : textOf(props?.['getetag']))
    }
    const [first] = answers
    const next = (first?.raw as { multistatus?: { syncToken?: string } } | undefined)?.multistatus?.syncToken
    if (typeof next !== 'string') throw new Error(`${this.name}: no sync token for ${path}: ${JSON.stringify(answers)}`)
    await this.#take(path, calendar, listed, isWhole)
    calendar.token = next
  }

  async #changes (path: string, syncToken: string): Promise<DAVResponse[]> {
    return await syncCollection({ url: `${this.hrefOf(path)}/`, props: { 'd:getetag': {} }, syncLevel: 1, syncToken, headers: this.#headers })
  }

  async #byListing (path: string, calendar: Calendar, ctag: string): Promise<void> {
    if (calendar.ctag === ctag) return
    await this.#take(path, calendar, await this.#listing(path), true)
    calendar.ctag = ctag
  }

  async #listing (path: string): Promise<Map<string, string>> {
    const answers = await propfind({ url: `${this.hrefOf(path)}/`, depth: '1', headers: this.#headers, props: { 'd:getetag': {} } })
    return new Map(answers.filter(({ href = '/' }) => !href.endsWith('/')).map(({ href = '', props }) => [lastOf(href), textOf(props?.['getetag'])]))
  }

  /** @param listed  name → ETag, `undefined` for what is gone */
  async #take (path: string, { items }: Calendar, listed: ReadonlyMap<string, string | undefined>, isWhole: boolean): Promise<void> {
    if (isWhole) for (const name of [...items.keys()]) if (!listed.has(name)) items.delete(name)
    for (const [name, etag] of listed) if (etag === undefined) items.delete(name)
    const news = [...listed].filter(([name, etag]) => etag !== undefined && items.get(name)?.etag !== etag).map(([name]) => name)
    if (news.length === 0) return
    const objectUrls = news.map(name => new URL(this.hrefOf(`${path}/${name}`)).pathname)
    const answers = await calendarMultiGet({ url: `${this.hrefOf(path)}/`, props: { 'd:getetag': {}, 'c:calendar-data': {} }, objectUrls, depth: '1', headers: this.#headers })
    for (const { href = '', props } of answers) items.set(lastOf(href), { etag: textOf(props?.['getetag']), text: textOf(props?.['calendarData']) })
  }

  async #byTsdav (path: string, calendar: Calendar, now: { token: string, ctag: string }): Promise<void> {
    const url = `${this.hrefOf(path)}/`
    if (calendar.token === now.token && calendar.ctag === now.ctag) return
    if (calendar.token === '') {
      await this.#take(path, calendar, await this.#listing(path), true)
    } else {
      const collection: DAVCollection = {
        url, syncToken: calendar.token, ctag: calendar.ctag, reports: ['syncCollection', 'calendarMultiget'],
        objects: [...calendar.items].map(([name, { etag, text }]) => ({ url: this.hrefOf(`${path}/${name}`), etag, data: text })),
        objectMultiGet: calendarMultiGet
      }
      let result
      try {
        result = await smartCollectionSync({ collection, method: 'webdav', headers: this.#headers, account: { accountType: 'caldav', serverUrl: this.#url, rootUrl: this.#url, homeUrl: `${this.hrefOf(path.slice(0, path.indexOf('/')))}/` }, detailedResult: true })
      } catch (error) {
        if (!/403/.test(String(error))) throw error
        await this.#take(path, calendar, await this.#listing(path), true)
      }
      if (result !== undefined) {
        const { created, updated, deleted } = result.objects
        for (const { url } of deleted) calendar.items.delete(lastOf(url))
        for (const { url, etag = '', data } of [...created, ...updated]) calendar.items.set(lastOf(url), { etag, text: textOf(data) })
      }
    }
    calendar.token = now.token
    calendar.ctag = now.ctag
  }

  /** PUT of what is not there. */
  async create (path: string, text: string): Promise<Response> {
    return await createObject({ url: this.hrefOf(path), data: text, headers: { ...this.#headers, 'content-type': 'text/calendar; charset=utf-8', 'if-none-match': '*' } })
  }

  /** PUT over what the client has. */
  async update (path: string, text: string, etag: string): Promise<Response> {
    return await updateObject({ url: this.hrefOf(path), data: text, etag, headers: { ...this.#headers, 'content-type': 'text/calendar; charset=utf-8' } })
  }

  /** DELETE of what the client has. */
  async remove (path: string, etag: string): Promise<Response> {
    return await deleteObject({ url: this.hrefOf(path), etag, headers: this.#headers })
  }

  async get (path: string): Promise<{ status: number, etag: string, bytes: Buffer }> {
    const answer = await fetch(this.hrefOf(path), { headers: this.#headers })
    return { status: answer.status, etag: answer.headers.get('etag') ?? '', bytes: Buffer.from(await answer.arrayBuffer()) }
  }

  async move (path: string, to: string): Promise<number> {
    const answer = await fetch(this.hrefOf(path), { method: 'MOVE', headers: { ...this.#headers, destination: this.hrefOf(to), overwrite: 'F' } })
    await answer.arrayBuffer()
    return answer.status
  }

  async makeCalendar (path: string): Promise<number> {
    const [answer] = await makeCalendar({ url: `${this.hrefOf(path)}/`, props: { 'd:displayname': path }, headers: this.#headers })
    return answer?.status ?? 0
  }

  async removeCalendar (path: string): Promise<number> {
    return (await deleteObject({ url: `${this.hrefOf(path)}/`, headers: this.#headers })).status
  }

  /** What the client has just written or removed is what it has. */
  keeps (path: string, item: Item | undefined): void {
    const cut = path.lastIndexOf('/')
    const calendar = this.#calendars.get(path.slice(0, cut))
    if (calendar === undefined) return
    calendar.hasWritten = true
    if (item === undefined) calendar.items.delete(path.slice(cut + 1))
    else calendar.items.set(path.slice(cut + 1), item)
  }

  /** From now on it is noted where the client writes. */
  mark (): void {
    for (const calendar of this.#calendars.values()) calendar.hasWritten = false
  }

  /**
   * Starts from nothing where it has written since `mark`: an index that has lost these writes, and finds the files as they were before them
   * (by hand, to the byte), has nothing to tell.
   */
  doubt (): void {
    for (const calendar of this.#calendars.values()) if (calendar.hasWritten) calendar.token = calendar.ctag = ''
  }
}

function lastOf (href: string): string {
  return decodeURIComponent(href.replace(/\/$/, '').replace(/^.*\//, ''))
}

/** tsdav gives text, CDATA, or what looks like a number. */
function textOf (value: unknown): string {
  if (typeof value === 'object' && value !== null && '_cdata' in value) return String(value._cdata)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
