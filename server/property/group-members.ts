import { principalAt } from '../acl/principal.js'
import { conditions } from '../dav/condition.js'
import { DavError } from '../dav/error.js'
import { href as hrefOf, resolve } from '../dav/href.js'
import { AccountsError } from '../directory/accounts.js'
import type { DirectoryRecord } from '../directory/record.js'
import type { Resource } from '../site/resource.js'
import { element, elements, text, type Element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import type { Change } from './property.js'

/** So many proxies may somebody have, read or write; a group counts as one. */
const mostMembers = 500

/**
 * DAV:group-member-set of calendar-proxy-read and -write (ext-caldav-proxy 5.2). Members are named by any href or
 * calendar user address of theirs; removing the property leaves nobody.
 * @throws DavError 403 for other groups, whose members stand in the accounts; 409 when an href names no principal
 */
export function changeMembers ({ owner, access }: Resource, value: Element | undefined, change: Change): () => Promise<void> {
  if (owner === undefined || access === undefined) {
    const { name, status } = conditions['cannot-modify-protected-property']
    throw new DavError(status, 'members of groups are changed in the accounts', { element: element(name) })
  }
  const hrefs = value === undefined ? [] : elements(value, dav('href')).map(href => text(href).trim())
  if (hrefs.length > mostMembers) throw new DavError(507, `${hrefs.length} proxies, at most ${mostMembers} are kept; make a group`)
  const members = hrefs.map(href => memberAt(href, change))
  return async () => { await keep(change, owner, access, members) }
}

function memberAt (href: string, { site, url, origins }: Change): DirectoryRecord {
  const path = resolve(url, href, origins)
  const named = path === undefined ? undefined : principalAt(site.directory, hrefOf(path.segments, true))
  const record = path === undefined ? site.directory.byAddress(href) : named?.half === undefined ? named?.record : undefined
  // RFC 4918 9.2.1: a value whose meaning does not fit the property
  if (record === undefined) throw new DavError(409, `DAV:group-member-set: ${JSON.stringify(href.slice(0, 200))} is no principal, expected hrefs like /principals/users/bob/`)
  return record
}

async function keep ({ site }: Change, owner: DirectoryRecord, half: 'read' | 'write', members: readonly DirectoryRecord[]): Promise<void> {
  try {
    await site.delegates.set(owner, half, members)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!(error instanceof AccountsError) && code === undefined) throw error
    site.log.error(`proxies of ${owner.type}/${owner.name} are not kept: ${message}`)
    throw new DavError(code === 'ENOSPC' || code === 'EDQUOT' ? 507 : 503, 'proxies cannot be kept now', { cause: error })
  }
}
