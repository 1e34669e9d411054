import { privateNamespace, twistedNamespace } from './attribute.js'

/** The element inside a kept DAV:ace that says: what lies below has it too. Never shown to clients. */
export const inheritableMark = `{${twistedNamespace}}inheritable` as const

/** Where the server kept ACLs in August 2006: a wrapper around DAV:acl. */
export const wrappedAcl = `{${privateNamespace}}acl` as const

/** The properties of a home that nobody may enter, its owner included; two names, one after the other, from 2006 to 2009. */
export const disabledMarks: readonly string[] = ['access-disabled', 'caldav-access-disabled'].map(local => `{${privateNamespace}}${local}`)
