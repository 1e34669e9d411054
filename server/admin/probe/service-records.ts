import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

/** What DNS says of calendars at a domain (RFC 6764 3 and 4), most wanted first. */
export interface ServiceRecord {
  /** `_caldavs._tcp.example.org` */
  readonly name: string
  /** `https://dav.example.org:8443/path`; undefined when the domain says that it has no such service. */
  readonly url: URL | undefined
}

const patience = 2000

/** The service records of a host; empty when there are none, DNS does not answer, or the host is no name of a domain. */
export async function serviceRecords (host: string): Promise<ServiceRecord[]> {
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0 || !host.includes('.') || host.endsWith('.localhost')) return []
  const resolver = new Resolver({ timeout: patience, tries: 1 })
  const kinds = [['_caldavs._tcp', 'https'], ['_caldav._tcp', 'http']] as const
  const found = await Promise.all(kinds.map(async ([service, scheme]) => {
    const name = `${service}.${host}`
    try {
      const [records, texts] = await Promise.all([resolver.resolveSrv(name), resolver.resolveTxt(name).catch(() => [])])
      const path = texts.map(strings => strings.join('')).find(text => text.startsWith('path='))?.slice(5) ?? '/.well-known/caldav'
      return records.sort((a, b) => a.priority - b.priority || b.weight - a.weight).map(({ name: target, port }) => ({ name, url: urlOf(scheme, target, port, path) }))
    } catch {
      return []
    }
  }))
  return found.flat()
}

/** RFC 2782: the target '.' says no. */
function urlOf (scheme: string, target: string, port: number, path: string): URL | undefined {
  const text = `${scheme}://${target}:${port}${path.startsWith('/') ? path : `/${path}`}`
  return target === '' || target === '.' || !URL.canParse(text) ? undefined : new URL(text)
}
