import { createHash } from 'node:crypto'
import { facts } from '../../store/file.js'
import { allowed } from '../acl/check.js'
import { href } from '../dav/href.js'
import { mediaTypeOf } from '../property/webdav.js'
import { kinds, type Kind } from '../site/kind.js'
import type { DavRequest } from '../site/request.js'
import { members as membersOf, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { escapeAttribute, escapeText } from '../xml/write.js'

/** What of a collection may be seen, and the names of what may not. */
export interface Listing { readonly members: readonly Resource[], readonly hidden: readonly string[] }

/** Others get their turn after so many ms of a long listing. */
const slice = 15

/** The members of a collection, compared with the disk, as far as who asks may read them. */
export async function readableMembers ({ site, user }: DavRequest, resource: Resource): Promise<Listing> {
  const members: Resource[] = []
  const hidden: string[] = []
  let until = performance.now() + slice
  for (const member of await membersOf(site, resource)) {
    if (allowed(user, member, dav('read'))) members.push(member)
    else hidden.push(member.segments.at(-1) ?? '')
    if (performance.now() < until) continue
    await new Promise(resolve => setImmediate(resolve))
    until = performance.now() + slice
  }
  return { members, hidden }
}

const style = 'body{font:15px/1.5 system-ui,sans-serif;margin:2em}h1{font-size:1.2em}td,th{text-align:left;padding:0 2em 0 0}td:nth-child(2),th:nth-child(2){text-align:right}'

/** The headers of a page: it loads nothing, runs nothing, sends nothing, and stands in no frame. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer'
}

/** A collection as a page of HTML, in pieces. Links are relative, so that they hold below any prefix. */
export async function * pageOf (resource: Resource, { members }: Listing): AsyncGenerator<string> {
  const title = escapeText(`/${resource.segments.map(segment => `${segment}/`).join('')}`)
  const isRoot = resource.kind === 'root'
  let text = `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head>\n<body>\n<h1>${title}</h1>\n` +
    (isRoot ? '<p>This is caldavd, a CalDAV server. Give this address, your name and your password to a calendar client.</p>\n' : '<p><a href="../">Up</a></p>\n') +
    '<table>\n<thead><tr><th>Name</th><th>Size</th><th>Last modified</th><th>Type</th></tr></thead>\n<tbody>\n'
  let until = performance.now() + slice
  for (const member of members) {
    text += row(member)
    if (text.length < 65_536 && performance.now() < until) continue
    yield text
    text = ''
    await new Promise(resolve => setImmediate(resolve))
    until = performance.now() + slice
  }
  yield `${text}</tbody>\n</table>\n</body>\n</html>\n`
}

/** What people call the kinds of collections. */
const words: Readonly<Partial<Record<Kind, string>>> = {
  home: 'Home', calendar: 'Calendar', inbox: 'Inbox', outbox: 'Outbox', principal: 'Principal', proxy: 'Delegates'
}

function row (resource: Resource): string {
  const { kind, segments, member, collection } = resource
  const { isCollection } = kinds[kind]
  const name = segments.at(-1) ?? ''
  const modified = member?.modified ?? (collection === undefined ? undefined : facts(collection.directory)?.mtimeMs)
  const cells = [
    // ./ keeps a name like javascript:x a name
    `<a href="${escapeAttribute(`.${href([name], isCollection)}`)}">${escapeText(name)}${isCollection ? '/' : ''}</a>`,
    member === undefined ? '' : String(member.size),
    modified === undefined ? '' : new Date(modified).toISOString().slice(0, 16).replace('T', ' '),
    isCollection ? words[kind] ?? 'Folder' : escapeText(mediaTypeOf(resource).split(';', 1)[0] ?? '')
  ]
  return `<tr>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>\n`
}
