import { createHash, hash } from 'node:crypto'

/**
 * Apache's variant of the MD5 passwords of FreeBSD: the 22 letters after '$apr1$SALT$'. A thousand rounds of MD5, 2 ms.
 * @param salt  at most 8 characters
 */
export function apr1 (password: string, salt: string): string {
  const typed = Buffer.from(password)
  const salted = Buffer.from(salt)
  const first = md5(typed, salted, typed)
  const parts: Buffer[] = [typed, Buffer.from('$apr1$'), salted]
  for (let left = typed.length; left > 0; left -= 16) parts.push(first.subarray(0, Math.min(16, left)))
  for (let bits = typed.length; bits > 0; bits >>= 1) parts.push(bits % 2 === 1 ? Buffer.of(0) : typed.subarray(0, 1))
  let digest = md5(...parts)
  for (let round = 0; round < 1000; round++) {
    const isOdd = round % 2 === 1
    const pieces = [isOdd ? typed : digest]
    if (round % 3 !== 0) pieces.push(salted)
    if (round % 7 !== 0) pieces.push(typed)
    pieces.push(isOdd ? digest : typed)
    digest = hash('md5', Buffer.concat(pieces), 'buffer')
  }
  return printed(digest)
}

function md5 (...parts: readonly Buffer[]): Buffer {
  const digest = createHash('md5')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

const letters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Which bytes are printed together, most significant first. */
const triples = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] as const

function printed (digest: Buffer): string {
  const six = (value: number, count: number) => Array.from({ length: count }, (_, i) => letters[value >> 6 * i & 63]).join('')
  const at = (index: number) => digest[index] ?? 0
  return triples.map(([a, b, c]) => six(at(a) << 16 | at(b) << 8 | at(c), 4)).join('') + six(at(11), 2)
}
