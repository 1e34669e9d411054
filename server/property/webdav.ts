import { facts } from '../../store/file.js'
import { href } from '../dav/href.js'
import { kinds, type Kind } from '../site/kind.js'
import { publicTree } from '../site/provision.js'
import { fromStored } from '../site/stored.js'
import { addMember, type Resource } from '../site/resource.js'
import { elements } from '../xml/element.js'
import { dav, type Name } from '../xml/name.js'
import { escapeText, fragment } from '../xml/write.js'
import { hrefElement } from './href.js'
import { directories, everyKind, files, type PropertyRow } from './property.js'

const virtual: readonly Kind[] = ['root', 'principals', 'calendars']

/** RFC 4918 15 */
export const webdav: readonly PropertyRow[] = [
  { name: dav('resourcetype'), on: everyKind, inAllprop: true, settable: 'initially', read: resourcetype },
  { name: dav('displayname'), on: everyKind, inAllprop: true, stored: true, read: displayname },
  { name: dav('getetag'), on: files, inAllprop: true, read: ({ member }) => member === undefined ? undefined : escapeText(member.etag) },
  { name: dav('getcontenttype'), on: [...files, 'calendar', ...virtual], inAllprop: true, read: contentType },
  // a collection itself takes nothing, as in Apple's server
  { name: dav('getcontentlength'), on: [...files, ...directories, ...virtual], inAllprop: true, read: ({ member }) => String(member?.size ?? 0) },
  { name: dav('getlastmodified'), on: [...files, ...directories], inAllprop: true, read: lastModified },
  { name: dav('creationdate'), on: [...files, ...directories], inAllprop: true, read: creationDate },
  { name: dav('getcontentlanguage'), on: files, inAllprop: true, stored: true },
  // RFC 5995 3.2.1
  { name: dav('add-member'), on: ['calendar'], read: ({ segments }) => hrefElement(href([...segments, addMember], false)) }
]

const written = new Map<readonly Name[], string>()

function resourcetype ({ kind, collection, access }: Resource): string {
  if (kind === 'folder' && collection?.resourcetype !== undefined) {
    const kept = fromStored(collection.resourcetype)
    if (kept !== undefined) return elements(kept).map(each => fragment(each)).join('')
  }
  const { types } = kinds[kind]
  let text = written.get(types)
  if (text === undefined) written.set(types, text = types.map(name => fragment({ name, attributes: {}, children: [] })).join(''))
  if (kind === 'proxy') return `${text}<CS:calendar-proxy-${access ?? 'read'}/>`
  return text
}

// a directory made by hand is called what it is called on disk
function displayname ({ kind, owner, collection, access, segments }: Resource): string | undefined {
  if (kind === 'principal' || kind === 'home') return escapeText(owner?.fullName || owner?.name || publicTree)
  if (kind === 'proxy') return escapeText(`${owner?.fullName ?? ''} (${access ?? ''})`)
  if (collection !== undefined && directories.includes(kind)) return escapeText(collection.path.slice(collection.path.lastIndexOf('/') + 1))
  return virtual.includes(kind) ? escapeText(segments.at(-1) ?? 'caldavd') : undefined
}

const mediaTypes: Readonly<Record<string, string>> = {
  ics: 'text/calendar; charset=utf-8', txt: 'text/plain; charset=utf-8', md: 'text/plain; charset=utf-8', html: 'text/html; charset=utf-8',
  xml: 'application/xml', json: 'application/json', pdf: 'application/pdf', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg',
  gif: 'image/gif', svg: 'image/svg+xml', zip: 'application/zip', vcf: 'text/vcard; charset=utf-8'
}

/**
 * The media type of a file: by its component in a calendar (Thunderbird passes over what is not text/calendar), by the
 * ending of its name elsewhere.
 */
export function mediaTypeOf ({ kind, member }: Resource): string {
  if (kind === 'event') return member === undefined || member.component === '' ? 'text/calendar; charset=utf-8' : `text/calendar; charset=utf-8; component=${member.component}`
  const ending = member?.name.slice(member.name.lastIndexOf('.') + 1).toLowerCase() ?? ''
  return Object.hasOwn(mediaTypes, ending) ? mediaTypes[ending] ?? '' : 'application/octet-stream'
}

function contentType (resource: Resource): string | undefined {
  // what GET of a calendar answers
  if (virtual.includes(resource.kind)) return 'text/html; charset=utf-8'
  return resource.kind === 'calendar' ? 'text/calendar; charset=utf-8' : mediaTypeOf(resource)
}

function lastModified ({ member, collection }: Resource): string | undefined {
  const modified = member?.modified ?? (collection === undefined ? undefined : facts(collection.directory)?.mtimeMs)
  return modified === undefined ? undefined : new Date(modified).toUTCString()
}

function creationDate ({ member, collection }: Resource): string | undefined {
  if (collection === undefined) return undefined
  const stats = facts(member === undefined ? collection.directory : `${collection.directory}/${member.name}`)
  if (stats === undefined) return undefined
  // file systems without a birth time say 0
  return new Date(stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.mtimeMs).toISOString().replace(/\.\d+Z$/, 'Z')
}

