import { createHash, createHmac, randomBytes, randomInt, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { apr1 } from './apr1.js'
import { isBcrypt } from './bcrypt.js'

/** N, r, p: 16 MB and about 40 ms. */
const cost = { N: 16384, r: 8, p: 1 }
const hashBytes = 32

/** 'scrypt$N$r$p$salt$hash' (base64) of a password, with a new salt. Texts that look the same hash the same (NFC, RFC 8265 4.2.2). */
export async function hashPassword (password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password.normalize('NFC'), salt, hashBytes, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** What else a comparison may need. */
export interface Comparison {
  /** Short name of the account: 'digest:…' is a hash of it too. */
  readonly name?: string | undefined
  /** A stored password that is verified in vain when there is none: in a house of bcrypt nobody costs a bcrypt. */
  readonly decoy?: string | undefined
}

/**
 * Is this the password? Costs one scrypt (or the decoy) in every quick case (nobody, no password, clear text), so that time tells
 * nothing about who exists. What is slow is done in other threads.
 * @param stored  one of the forms below; undefined for nobody. 'ldap:…' is nobody here: `Source.verify` asks the server
 */
export async function verifyPassword (stored: string | undefined, given: string, { name, decoy }: Comparison = {}): Promise<boolean> {
  const typed = given.normalize('NFC')
  const form = forms.find(({ pattern }) => stored !== undefined && pattern.test(stored))
  if (form !== undefined && stored !== undefined && 'slow' in form) return form.slow(stored, typed)
  if (form === undefined && decoy !== undefined) await verifyPassword(decoy, typed)
  else await derive(typed, nobody, hashBytes, cost)
  return form !== undefined && stored !== undefined && 'quick' in form && form.quick(stored, typed, name)
}

/** The name by which LDAP knows whose stored password is 'ldap:DN'; undefined for other forms. */
export function ldapName (stored: string | undefined): string | undefined {
  return /^ldap:(.+)$/s.exec(stored ?? '')?.[1]
}

/** A stored password for `Comparison.decoy`: one of bcrypt, where most accounts have such ones. */
export function decoyOf (accounts: readonly { readonly password: string | undefined }[]): string | undefined {
  const all = accounts.flatMap(({ password }) => password ?? [])
  const slow = all.filter(password => password.startsWith('$2'))
  return slow.length * 2 > all.length ? slow[0] : undefined
}

/** Why a stored password cannot be used; undefined when it can. */
export function passwordProblem (stored: string): string | undefined {
  if (ldapName(stored) !== undefined) return undefined
  if (forms.some(({ pattern, isRight }) => pattern.test(stored) && isRight?.(stored) !== false)) return undefined
  const known = hints.find(({ pattern }) => pattern.test(stored))?.text
  return 'expected "scrypt$…" as `caldavd user passwd` writes it, or a hash as `htpasswd -B` writes it' + (known === undefined ? '' : `, not ${known}`)
}

/** Four groups of four letters and digits that are not mistaken for each other: 79 bits. */
export function makePassword (): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('')).join('-')
}

// As `htpasswd` has it; the rounds of apr1 are as long as the password
const mostBytes = 255

interface Pattern { readonly pattern: RegExp, readonly isRight?: (stored: string) => boolean }
type Form = Pattern & ({ readonly slow: (stored: string, typed: string) => Promise<boolean> }
  | { readonly quick: (stored: string, typed: string, name: string | undefined) => boolean })

/** The forms of a stored password. */
const forms: readonly Form[] = [
  { pattern: /^scrypt\$/, isRight: stored => readHash(stored) !== undefined, slow: isScrypt },
  // Cost 15 is 3 seconds here
  { pattern: /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/, slow: isBcrypt },
  {
    pattern: /^\$apr1\$[^$\s]{1,8}\$[./A-Za-z0-9]{22}$/,
    quick: (stored, typed) => Buffer.byteLength(typed) <= mostBytes && same(stored.slice(-22), apr1(typed, stored.split('$')[2] ?? ''))
  },
  { pattern: /^\{SHA\}[A-Za-z0-9+/]{27}=$/, quick: (stored, typed) => same(stored.slice('{SHA}'.length), createHash('sha1').update(typed).digest('base64')) },
  // RFC 7616 3.4.2; as `htdigest` writes it
  {
    pattern: /^digest:[^:]*:[\da-f]{32}$/i,
    quick: (stored, typed, name) => {
      const [, realm = '', hash = ''] = stored.split(':')
      return name !== undefined && same(hash.toLowerCase(), createHash('md5').update(`${name}:${realm}:${typed}`).digest('hex'))
    }
  },
  // An empty clear text is "no password" in Apple's accounts, not a password of no letters
  { pattern: /^plain:/, quick: (stored, typed) => stored !== 'plain:' && same(stored.slice('plain:'.length), typed) }
]

/** What people have instead. */
const hints: readonly { readonly pattern: RegExp, readonly text: string }[] = [
  { pattern: /^\$[156]\$|^\$y\$/, text: 'a hash of crypt(3) ($1$, $5$, $6$, $y$)' },
  { pattern: /^\$2[abxy]\$/, text: 'bcrypt of another form ($2x$, a cost beyond 15, or cut off)' },
  { pattern: /^\$apr1\$/, text: 'a hash that is cut off' },
  { pattern: /^[./A-Za-z0-9]{13}$/, text: 'a hash of crypt(3)' }
]

const nobody = randomBytes(16)
const comparison = randomBytes(32)

function same (one: string, other: string): boolean {
  const digest = (text: string) => createHmac('sha256', comparison).update(text.normalize('NFC')).digest()
  return timingSafeEqual(digest(one), digest(other))
}

interface Hash { readonly cost: typeof cost, readonly salt: Buffer, readonly hash: Buffer }

async function isScrypt (stored: string, typed: string): Promise<boolean> {
  const hashed = readHash(stored)
  const found = await derive(typed, hashed?.salt ?? nobody, hashed?.hash.length ?? hashBytes, hashed?.cost ?? cost)
  return hashed !== undefined && timingSafeEqual(hashed.hash, found)
}

function readHash (stored: string | undefined): Hash | undefined {
  const [, N, r, p, salt, hash] = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w+/=-]{8,88})\$([\w+/=-]{22,88})$/.exec(stored ?? '') ?? []
  if (salt === undefined || hash === undefined) return undefined
  const given = { N: Number(N), r: Number(r), p: Number(p) }
  const isPower = given.N > 1 && Number.isInteger(Math.log2(given.N))
  // 128 N r bytes: more than 256 MB is a slip, not a wish
  if (!isPower || given.r < 1 || given.p < 1 || 128 * given.N * given.r > 2 ** 28) return undefined
  return { cost: given, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

// Two at a time: more would take all four threads of libuv, and every file operation would wait for them
const atOnce = 2
let running = 0
const waiting: (() => void)[] = []

async function derive (password: string, salt: Buffer, length: number, { N, r, p }: typeof cost): Promise<Buffer> {
  if (running >= atOnce) await new Promise<void>(resolve => waiting.push(resolve))
  else running++
  const options: ScryptOptions = { N, r, p, maxmem: 128 * N * r * 2 + 1024 * 1024 }
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password, salt, length, options, (error, key) => error === null ? resolve(key) : reject(error))
    })
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
