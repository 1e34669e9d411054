import { DavError } from './error.js'
import { isSameState, tags } from './header.js'

/** One condition of a list: a state token, or an entity tag as it is sent. */
export interface IfCondition {
  readonly not: boolean
  readonly token?: string
  readonly etag?: string
}

/** A list whose conditions must all hold; about `resource` (an href), or the Request-URI when there is none. */
export interface IfList {
  readonly resource?: string
  readonly conditions: readonly IfCondition[]
}

/** What a resource is like; nothing at all for an unmapped URL. */
export interface IfState {
  readonly etag?: string | undefined
  /** Tokens of the locks in whose scope it is. */
  readonly tokens: readonly string[]
}

/**
 * RFC 4918 10.4.2
 * @throws DavError 400 when the header does not follow the grammar, or is longer than 65536 characters
 */
export function parseIf (header: string): IfList[] {
  if (header.length > 65536) throw new DavError(400, 'If: longer than 65536 characters')
  const lists: IfList[] = []
  let rest = header.trim()
  let resource: string | undefined
  let sinceTag = 1
  const take = (form: RegExp): RegExpExecArray | undefined => {
    const match = form.exec(rest)
    if (match === null) return undefined
    rest = rest.slice(match[0].length)
    return match
  }
  const refuse = (expected: string): never => {
    throw new DavError(400, `If: expected ${expected} at ${JSON.stringify(rest.slice(0, 60))}`)
  }
  while (rest !== '') {
    const tag = take(/^<([^<>\s]+)>\s*/)
    if (tag !== undefined) {
      // Tagged and untagged lists are not mixed, and a tag is followed by a list
      if (sinceTag === 0 || (resource === undefined && lists.length > 0)) refuse('a list')
      resource = tag[1] as string
      sinceTag = 0
      continue
    }
    if (take(/^\(\s*/) === undefined) refuse('( or <')
    const conditions: IfCondition[] = []
    while (take(/^\)\s*/) === undefined) {
      const match = take(/^(not\b\s*)?(?:<([^<>\s]+)>|\[((?:W\/)?"[^"]*"|[^\s"\]]+)\])\s*/i) ?? refuse('a condition or )')
      const not = match[1] !== undefined
      conditions.push(match[2] !== undefined ? { not, token: match[2] } : { not, etag: match[3] as string })
    }
    if (conditions.length === 0) refuse('a condition')
    lists.push(resource === undefined ? { conditions } : { resource, conditions })
    sinceTag++
  }
  if (lists.length === 0 || sinceTag === 0) refuse('a list')
  return lists
}

/** RFC 4918 10.4.1: the state tokens in the header are submitted wherever they stand in it, even after Not. */
export function submittedTokens (lists: readonly IfList[]): Set<string> {
  return new Set(lists.flatMap(list => list.conditions.flatMap(({ token }) => token ?? [])))
}

/**
 * RFC 4918 10.4.3: whether one of the lists holds; if not, the answer is 412.
 * @param look  the state of a Resource-Tag, of the Request-URI for undefined
 */
export function evaluateIf (lists: readonly IfList[], look: (resource: string | undefined) => IfState): boolean {
  return lists.some(list => {
    const state = look(list.resource)
    return list.conditions.every(({ not, token, etag }) =>
      not !== (token !== undefined ? state.tokens.includes(token) : sameTag(etag, state.etag)))
  })
}

/** RFC 4918 10.4.4 leaves the choice; weak, so that a proxy that weakens tags does no harm. */
function sameTag (asked: string | undefined, current: string | undefined): boolean {
  if (asked === undefined || current === undefined) return false
  const [one, other] = [tags(asked)[0], tags(current)[0]]
  return one !== undefined && other !== undefined && isSameState(one.opaque, other.opaque)
}
