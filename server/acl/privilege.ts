import { caldav, dav, type Name } from '../xml/name.js'

/** A privilege with those it contains. */
export interface Privilege {
  readonly name: Name
  readonly meaning: string
  readonly parts: readonly Privilege[]
}

const leaf = (name: Name, meaning: string): Privilege => ({ name, meaning, parts: [] })

/** The tree of privileges (RFC 3744 3, RFC 4791 6.1.1: read-free-busy is contained in read). */
export const all: Privilege = {
  name: dav('all'),
  meaning: 'Everything',
  parts: [
    { name: dav('read'), meaning: 'Read', parts: [leaf(caldav('read-free-busy'), 'See when somebody is busy')] },
    {
      name: dav('write'),
      meaning: 'Change',
      parts: [
        leaf(dav('write-properties'), 'Change properties'),
        leaf(dav('write-content'), 'Change what is there'),
        leaf(dav('bind'), 'Add'),
        leaf(dav('unbind'), 'Remove')
      ]
    },
    leaf(dav('unlock'), 'Remove locks of others'),
    leaf(dav('read-acl'), 'See who may do what'),
    leaf(dav('read-current-user-privilege-set'), 'See what one may do'),
    leaf(dav('write-acl'), 'Change who may do what')
  ]
}

/** A privilege and all that it contains, aggregates included: clients look for both (Thunderbird for `write`, DAVx5 for `write-content`). */
export function expanded (privilege: Privilege): Name[] {
  return [privilege.name, ...privilege.parts.flatMap(expanded)]
}
