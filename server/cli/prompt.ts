import type { Readable, Writable } from 'node:stream'

/** The three streams of a command. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean, setRawMode? (on: boolean): unknown }
  readonly stdout: Writable
  readonly stderr: Writable
}

const longestLine = 4096

/** The first line of standard input, without its end; '' when there is none. @throws Error when it is longer than 4096 bytes */
export async function readLine ({ stdin }: Streams): Promise<string> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stdin) {
    bytes = Buffer.concat([bytes, Buffer.from(chunk)])
    if (bytes.includes(10) || bytes.length > longestLine) break
  }
  if (bytes.length > longestLine) throw new Error(`standard input: expected one line of at most ${longestLine} bytes`)
  return bytes.toString('utf8').split('\n')[0]!.replace(/\r$/, '')
}

/** Asks on the terminal (stderr, stdin) without showing what is typed. undefined: interrupted with Ctrl-C or Ctrl-D. */
export async function askHidden (question: string, { stdin, stderr }: Streams): Promise<string | undefined> {
  stderr.write(question)
  stdin.setRawMode?.(true)
  stdin.resume()
  let typed = Buffer.alloc(0)
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const done = (answer: string | undefined) => {
        stdin.off('data', hear)
        stdin.off('end', end)
        // At once: a flowing stream would throw away the next answer of a paste
        stdin.pause()
        resolve(answer)
      }
      const end = () => done(undefined)
      const hear = (chunk: Buffer | string) => {
        const bytes = Buffer.from(chunk as string)
        for (const [at, byte] of bytes.entries()) {
          if (byte === 10 || byte === 13) {
            const rest = bytes.subarray(at + 1)
            done(typed.toString('utf8'))
            if (rest.length > 0) stdin.unshift(rest)
            return
          }
          if (byte === 3 || byte === 4) return done(undefined)
          typed = edit(typed, byte)
          if (typed.length > longestLine) return reject(new Error('the answer is too long'))
        }
      }
      stdin.on('data', hear)
      stdin.once('end', end)
    })
  } finally {
    stdin.setRawMode?.(false)
    stderr.write('\n')
  }
}

/** Backspace takes the last letter (all bytes of it), Ctrl-U everything. */
function edit (typed: Buffer, byte: number): Buffer<ArrayBuffer> {
  if (byte === 21) return Buffer.alloc(0)
  if (byte !== 8 && byte !== 127) return Buffer.concat([typed, Buffer.of(byte)])
  let end = typed.length - 1
  while (end > 0 && (typed[end]! & 0xc0) === 0x80) end--
  return Buffer.from(typed.subarray(0, Math.max(end, 0)))
}
