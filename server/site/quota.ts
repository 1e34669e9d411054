import type { Home } from '../../store/home.js'
import { facts } from '../../store/file.js'
import { sidecarName } from '../../store/sidecar.js'
import { freeBytes } from '../../store/space.js'
import { failed } from '../dav/error.js'
import type { DirectoryRecord } from '../directory/record.js'
import type { Resource } from './resource.js'
import type { Site } from './site.js'

/** Where something is to be written, for the quota: the home, and whose it is. */
export type Account = Pick<Resource, 'owner'> & { readonly home: Home }

/** What a home takes, in bytes of its files, and what more it may take; `undefined` = nobody knows. */
export interface Quota { readonly used: number, readonly available: number | undefined }

/** The most bytes that the home of a record may take; `undefined` = as many as fit. The public tree has no limit. */
export function limitOf ({ settings }: Pick<Site, 'settings'>, owner: DirectoryRecord | undefined): number | undefined {
  const limit = owner === undefined ? 0 : owner.quota ?? settings.limits.quotaBytes
  return limit === 0 ? undefined : limit
}

/** RFC 4331 3 and 4. Without a limit, what the disk has free is available. */
export function quotaOf (site: Pick<Site, 'settings'>, { home, owner }: Account): Quota {
  const limit = limitOf(site, owner)
  const used = home.bytesBelow('')
  return { used, available: limit === undefined ? freeBytes(home.directory) : Math.max(0, limit - used) }
}

/** Whether this many bytes more would take a home over its limit. What makes it smaller, or no larger, never does. */
export function exceeds (site: Pick<Site, 'settings'>, { home, owner }: Account, more: number): boolean {
  const limit = limitOf(site, owner)
  return limit !== undefined && more > 0 && home.bytesBelow('') + more > limit
}

/** What the properties of a home take on disk, in bytes: their mirrors, which hold all of them. */
export function propertyBytes (home: Home): number {
  return home.directories().reduce((sum, { directory }) => sum + (facts(`${directory}/${sidecarName}`)?.size ?? 0), 0)
}

/**
 * Refuses what would take a home over its limit. Nothing waits here, so that it holds when it is asked at the moment of
 * writing.
 * @param more  bytes that come in, less those that they replace
 * @throws DavError quota-not-exceeded (RFC 4331 6)
 */
export function demandQuota (site: Pick<Site, 'settings'>, account: Account, more: number): void {
  if (!exceeds(site, account, more)) return
  throw failed('quota-not-exceeded', `${account.home.path} takes ${account.home.bytesBelow('')} bytes and would take ${more} more; its limit is ${limitOf(site, account.owner)}`)
}
