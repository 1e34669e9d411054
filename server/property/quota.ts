import type { Home } from '../../store/home.js'
import { allowed } from '../acl/check.js'
import { quotaOf, type Quota } from '../site/quota.js'
import type { Requester } from '../site/requester.js'
import { homeLength, type Resource } from '../site/resource.js'
import { dav } from '../xml/name.js'
import { directories, files, type Ask, type PropertyRow } from './property.js'

const on = [...directories, ...files]

/** RFC 4331 3 and 4: of the whole home, wherever in it one asks. Who may not read the home does not learn how much it holds. */
export const quota: readonly PropertyRow[] = [
  { name: dav('quota-available-bytes'), on, fresh: true, read: (resource, ask) => written(answerFor(resource, ask)?.available) },
  { name: dav('quota-used-bytes'), on, fresh: true, read: (resource, ask) => written(answerFor(resource, ask)?.used) }
]

function written (bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : String(bytes)
}

/** A listing asks for each of its members. */
const answers = new WeakMap<Requester, Map<Home, Quota | undefined>>()

function answerFor ({ home, owner, segments }: Resource, { user }: Ask): Quota | undefined {
  if (home === undefined || user.record === undefined) return undefined
  let known = answers.get(user)
  if (known === undefined) answers.set(user, known = new Map())
  if (!known.has(home)) {
    const around: Resource = { kind: 'home', segments: segments.slice(0, homeLength(segments)), owner, home, collection: home.collection('') }
    known.set(home, allowed(user, around, dav('read')) ? quotaOf(user.site, { home, owner }) : undefined)
  }
  return known.get(home)
}
