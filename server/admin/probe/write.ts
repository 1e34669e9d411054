import { randomBytes } from 'node:crypto'
import { cs, dav } from '../../xml/name.js'
import type { Element } from '../../xml/element.js'
import { event, propfind, proppatch } from './body.js'
import type { Answer } from './caller.js'
import { textIn } from './multistatus.js'
import type { Step, Visit } from './visit.js'

/** How a client writes. */
export interface WriteHabits {
  /** Sent with every PUT. */
  readonly headers?: Readonly<Record<string, string>>
  /** Moves events between calendars with MOVE. */
  readonly moves?: boolean
  /** What it sets on calendars, one PROPPATCH each. */
  readonly values?: readonly (readonly Element[])[]
}

/** Writes, changes, moves and deletes an event in the calendar that was made for it; without one it does nothing. */
export function writes (name: string, { headers = {}, moves = false, values = [] }: WriteHabits = {}): Step {
  return {
    name,
    run: async visit => {
      if (visit.scratch === undefined) return
      for (const value of values) visit.readAnswer(await visit.ask('PROPPATCH', visit.scratch, { body: proppatch(...value) }))
      const id = `caldavd-doctor-${randomBytes(8).toString('hex')}`
      const url = new URL(`${id}.ics`, visit.scratch)
      const put = async (summary: string, condition: Readonly<Record<string, string>>): Promise<Answer> =>
        await visit.ask('PUT', url, { body: event(id, summary, new Date(visit.now())), headers: { ...headers, ...condition } })
      const before = await tagsOf(visit, visit.scratch)
      const made = await put('first', { 'if-none-match': '*' })
      if (!saved.has(made.status)) visit.failBy(made)
      if (before !== '' && await tagsOf(visit, visit.scratch) === before) visit.find('fails', 'getctag and sync-token of the calendar stay the same after a change: other devices do not see it', 'is there a cache in the proxy? it must not keep answers of the CalDAV server', made)
      const first = await etagOf(visit, made, url)
      const again = await put('again', { 'if-none-match': '*' })
      if (again.status !== 412) visit.find('remark', `If-None-Match: * is not kept to (${again.status} instead of 412): an event may be written over by another`, 'let the proxy pass the header on', again)
      const changed = await put('second', { 'if-match': first })
      if (!saved.has(changed.status)) visit.fail(`a change with If-Match and the ETag that was just told is refused (${changed.status})`, 'ETags have to be strong and the same in headers and lists; compression in the proxy weakens them (nginx: gzip off here)', changed)
      const second = await etagOf(visit, changed, url)
      if (second === first) visit.find('fails', 'the ETag stays the same after a change: other devices do not see it', 'this is a fault of the server', changed)
      const late = await put('late', { 'if-match': '"caldavd-doctor-never-given"' })
      if (late.status !== 412) visit.find('remark', `a change of an older state is not refused (${late.status} instead of 412): the edits of another device are lost`, 'let the proxy pass If-Match on', late)
      await readBack(visit, url)
      await remove(visit, moves ? await move(visit, url) : url)
    }
  }
}

const saved: ReadonlySet<number> = new Set([200, 201, 204])

/** What shows that something has changed. */
async function tagsOf (visit: Visit, url: URL): Promise<string> {
  const { told: [one] } = await visit.read('PROPFIND', url, { depth: '0', body: propfind([cs('getctag'), dav('sync-token')]) })
  return `${textIn(one, cs('getctag')) ?? ''} ${textIn(one, dav('sync-token')) ?? ''}`.trim()
}

/** What PUT told, or else the property (RFC 4791 5.3.4 leaves it open). */
async function etagOf (visit: Visit, answer: Answer, url: URL): Promise<string> {
  const told = answer.headers['etag']?.[0]
  if (told?.startsWith('W/') === true) visit.find('remark', `PUT tells a weak ETag (${told})`, 'the server has to give strong ETags; compression in the proxy weakens them (nginx: gzip off here)', answer)
  if (told !== undefined) return told
  visit.note('PUT tells no ETag, so every event is read again after it was written')
  const { told: [one], answer: read } = await visit.read('PROPFIND', url, { depth: '0', body: propfind([dav('getetag')]) })
  return textIn(one, dav('getetag')) ?? visit.fail('an event that was just written has no getetag', 'the server has to give every event an ETag (RFC 4791 5.3.4)', read)
}

async function readBack (visit: Visit, url: URL): Promise<void> {
  const answer = await visit.ask('GET', url)
  if (answer.status !== 200) visit.findBy('fails', answer, 'an event that was just written cannot be read')
  else if (!/^SUMMARY:/m.test(answer.body.toString('utf8'))) visit.find('fails', 'what is read is not what was written', 'this is a fault of the server', answer)
}

async function move (visit: Visit, url: URL): Promise<URL> {
  const to = new URL(url.pathname.replace(/\.ics$/, '-moved.ics'), url)
  const answer = await visit.ask('MOVE', url, { headers: { destination: to.href, overwrite: 'F' } })
  if (answer.status === 201 || answer.status === 204) return to
  visit.find('remark', `an event cannot be moved to another calendar (${answer.status})`, 'where the proxy changes host, scheme or path, the server has to know them: it is asked to move to ' + to.origin + ' (server.baseUrl for caldavd)', answer)
  return url
}

async function remove (visit: Visit, url: URL): Promise<void> {
  const { told: [one] } = await visit.read('PROPFIND', url, { depth: '0', body: propfind([dav('getetag')]) })
  const answer = await visit.ask('DELETE', url, { headers: { 'if-match': textIn(one, dav('getetag')) ?? '*' } })
  if (answer.status < 200 || answer.status > 299) return visit.findBy('fails', answer, 'an event cannot be deleted')
  const after = await visit.ask('GET', url)
  if (after.status !== 404 && after.status !== 410) visit.find('fails', `an event that was deleted is still there (${after.status})`, 'is there a cache in the proxy? it must not keep answers of the CalDAV server', after)
}
