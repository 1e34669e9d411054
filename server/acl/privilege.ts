import type { Kind } from '../site/kind.js'
import { caldav, dav, type Name } from '../xml/name.js'

/** A privilege with those it contains. */
export interface Privilege {
  readonly name: Name
  readonly meaning: string
  readonly parts: readonly Privilege[]
}

const node = (name: Name, meaning: string, ...parts: Privilege[]): Privilege => ({ name, meaning, parts })

// RFC 3744 3; RFC 4791 6.1.1: read-free-busy is contained in read. A sharee's client has to learn that it may only read,
// so read contains read-current-user-privilege-set (RFC 3744 3.7 leaves that to the server).
const usual: readonly Privilege[] = [
  node(dav('read'), 'Read', node(caldav('read-free-busy'), 'See when somebody is busy'), node(dav('read-current-user-privilege-set'), 'See what one may do')),
  node(dav('write'), 'Change',
    node(dav('write-properties'), 'Change properties'), node(dav('write-content'), 'Change what is there'),
    node(dav('bind'), 'Add'), node(dav('unbind'), 'Remove')),
  node(dav('unlock'), 'Remove locks of others'),
  node(dav('read-acl'), 'See who may do what'),
  node(dav('write-acl'), 'Change who may do what')
]

// RFC 6638 6; CALDAV:schedule is what drafts of it had
const deliver = node(caldav('schedule-deliver'), 'Send to this inbox',
  node(caldav('schedule-deliver-invite'), 'Send invitations'), node(caldav('schedule-deliver-reply'), 'Send replies'),
  node(caldav('schedule-query-freebusy'), 'Ask when somebody is busy'))
const send = node(caldav('schedule-send'), 'Send from this outbox',
  node(caldav('schedule-send-invite'), 'Send invitations'), node(caldav('schedule-send-reply'), 'Send replies'),
  node(caldav('schedule-send-freebusy'), 'Ask when others are busy'))
const draft = node(caldav('schedule'), 'Schedule, as drafts of RFC 6638 called it')

const everything = (...more: Privilege[]): Privilege => node(dav('all'), 'Everything', ...usual, ...more)
const plain = everything()
const inbox = everything(deliver, draft)
const outbox = everything(send, draft)

/** The tree of privileges that resources of a kind have (DAV:supported-privilege-set, RFC 3744 5.3). */
export function treeOf (kind: Kind): Privilege {
  return kind === 'inbox' ? inbox : kind === 'outbox' ? outbox : plain
}

/** A set of privileges as bits. Those that are nothing but their parts have no bit of their own (RFC 3744 3.2); read is more than its parts. */
export type Mask = number

const bits = new Map<Name, Mask>()
const masks = new Map<Name, Mask>()

function number (privilege: Privilege): Mask {
  const own = privilege.parts.length > 0 && privilege.name !== dav('read') ? 0 : bits.get(privilege.name) ?? 1 << bits.size
  if (own !== 0) bits.set(privilege.name, own)
  const mask = privilege.parts.reduce((sum, part) => sum | number(part), own)
  if (privilege.name !== dav('all')) masks.set(privilege.name, mask)
  return mask
}

const full = number(everything(deliver, send, draft))
masks.set(dav('all'), full)

/** Everything. */
export const allMask: Mask = full

/** A privilege with all it contains; undefined for a privilege that nobody knows. */
export function maskOf (name: Name): Mask | undefined {
  return masks.get(name)
}

/** Several privileges with all they contain. */
export function maskOfAll (...names: readonly Name[]): Mask {
  return names.reduce((sum, name) => sum | (masks.get(name) ?? 0), 0)
}

/** Whether a privilege, with all that it contains, is among those granted; DAV:all means all that the kind has. */
export function holds (granted: Mask, name: Name, kind: Kind): boolean {
  const mask = name === dav('all') ? maskOfTree(kind) : masks.get(name)
  return mask !== undefined && (granted & mask) === mask
}

const trees = new Map<Privilege, Mask>()

function maskOfTree (kind: Kind): Mask {
  const tree = treeOf(kind)
  let mask = trees.get(tree)
  if (mask === undefined) trees.set(tree, mask = tree.parts.reduce((sum, { name }) => sum | (masks.get(name) ?? 0), 0))
  return mask
}

const lists = new Map<string, readonly Name[]>()

/** The names of all that is granted, aggregates and parts: clients look for both (Thunderbird for `write`, DAVx5 for `write-content`). */
export function namesIn (granted: Mask, kind: Kind): readonly Name[] {
  const tree = treeOf(kind)
  const key = `${granted} ${kind === 'inbox' || kind === 'outbox' ? kind : ''}`
  let names = lists.get(key)
  if (names === undefined) lists.set(key, names = expanded(tree).filter(name => holds(granted, name, kind)))
  return names
}

/** A privilege and all that it contains. */
export function expanded (privilege: Privilege): Name[] {
  return [privilege.name, ...privilege.parts.flatMap(expanded)]
}
