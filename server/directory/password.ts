import { createHmac, randomBytes, randomInt, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'

/** N, r, p: 16 MB and about 40 ms. */
const cost = { N: 16384, r: 8, p: 1 }
const hashBytes = 32

/** 'scrypt$N$r$p$salt$hash' (base64) of a password, with a new salt. Texts that look the same hash the same (NFC, RFC 8265 4.2.2). */
export async function hashPassword (password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, hashBytes, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/**
 * Is this the password? Costs one scrypt in every case (nobody, no password, clear text), so that time tells nothing about who exists.
 * @param stored  'scrypt$…', or 'plain:…' for Apple's accounts; undefined for nobody
 */
export async function verifyPassword (stored: string | undefined, given: string): Promise<boolean> {
  const hashed = readHash(stored)
  if (hashed !== undefined) {
    return timingSafeEqual(hashed.hash, await derive(given, hashed.salt, hashed.hash.length, hashed.cost))
  }
  await derive(given, nobody, hashBytes, cost)
  // An empty clear text is "no password" in Apple's accounts, not a password of no letters
  return stored?.startsWith('plain:') === true && stored !== 'plain:' && same(stored.slice('plain:'.length), given)
}

/** Why a stored password cannot be used; undefined when it can. */
export function passwordProblem (stored: string): string | undefined {
  return stored.startsWith('plain:') || readHash(stored) !== undefined ? undefined : 'expected "scrypt$…" as `caldavd user passwd` writes it'
}

/** Four groups of four letters and digits that are not mistaken for each other: 79 bits. */
export function makePassword (): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('')).join('-')
}

const nobody = randomBytes(16)
const comparison = randomBytes(32)

function same (one: string, other: string): boolean {
  const digest = (text: string) => createHmac('sha256', comparison).update(text.normalize('NFC')).digest()
  return timingSafeEqual(digest(one), digest(other))
}

interface Hash { readonly cost: typeof cost, readonly salt: Buffer, readonly hash: Buffer }

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
      scrypt(password.normalize('NFC'), salt, length, options, (error, key) => error === null ? resolve(key) : reject(error))
    })
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
