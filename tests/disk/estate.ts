import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { loadSettings } from '../../conf/load.js'
import { start, type Running } from '../../server/main.js'
import { freePort } from '../free-port.js'
import { shell } from '../store/shelf.js'

/** A part of a data directory; each may lie on a file system of its own. */
export type Room = 'documents' | 'state' | 'history'

/** A running server whose rooms lie on file systems that a test makes full or read-only. */
export interface Estate {
  readonly root: string
  /** Lines of the log, of all servers, since they were last taken. */
  readonly lines: () => string[]
  readonly ask: (method: string, path: string, body?: string, headers?: Record<string, string>) => Promise<Answer>
  /** @throws what the start throws */
  readonly open: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface Answer { readonly status: number, readonly body: string, readonly headers: Headers }

/** How a file system is made: `tmpfs`, or the name of a program that makes one in an image, which is mounted by a loop. */
export type Kind = 'tmpfs' | 'ext4' | 'vfat' | 'exfat'

const makers: Readonly<Record<Exclude<Kind, 'tmpfs'>, { readonly make: string, readonly mounts: readonly string[] }>> = {
  ext4: { make: 'mkfs.ext4 -q -F -m 0', mounts: ['mount -o loop'] },
  // the kernel's own, then those of FUSE
  vfat: { make: 'mkfs.vfat', mounts: ['mount -o loop,utf8,shortname=mixed', 'fusefat -o rw+'] },
  exfat: { make: 'mkfs.exfat', mounts: ['mount -o loop', 'mount.exfat-fuse $(losetup -f --show IMAGE) PATH; true'] }
}

/** A new file system on a directory until the end of the test. @returns why there is none; `undefined` when there is */
export function disk (t: Test, path: string, kind: Kind, megabytes: number, options = ''): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount'
  mkdirSync(path, { recursive: true })
  t.teardown(() => { shell('/', `umount -l '${path}' 2>/dev/null; losetup -j '${path}.image' 2>/dev/null | cut -d: -f1 | xargs -r losetup -d; rm -f '${path}.image'`) })
  try {
    if (kind === 'tmpfs') {
      shell('/', `mount -t tmpfs -o size=${megabytes}m${options} caldavd-test '${path}'`)
      return undefined
    }
    const { make, mounts } = makers[kind]
    const image = `${path}.image`
    shell('/', `truncate -s ${megabytes}M '${image}' && ${make} '${image}' >/dev/null`)
    for (const mount of mounts) {
      try {
        shell('/', mount.includes('IMAGE') ? mount.replace('IMAGE', image).replace('PATH', path) : `${mount}${options} '${image}' '${path}'`)
        shell('/', `mountpoint -q '${path}'`)
        return undefined
      } catch {
        // the next way
      }
    }
    return `this kernel mounts no ${kind}`
  } catch (error) {
    return `no ${kind} here: ${(error as Error).message}`
  }
}

/** An empty directory that goes with the test. */
export function ground (t: Test): string {
  const root = mkdtempSync(join(tmpdir(), 'caldavd-disk-'))
  t.teardown(() => { rmSync(root, { recursive: true, force: true }) })
  return root
}

let lines: string[] = []
const write = process.stderr.write.bind(process.stderr)
process.stderr.write = ((line: string | Uint8Array, ...rest: []) => {
  if (!/^\d{4}-\d\d-\d\dT\S+Z /.test(String(line))) return write(line, ...rest)
  if (/^\S+ (?:error|warn)/.test(String(line))) lines.push(String(line).slice(25).trimEnd())
  return true
}) as typeof process.stderr.write

/** A server on a data directory, not started yet. */
export async function estate (t: Test, root: string): Promise<Estate> {
  const port = await freePort()
  const settings = loadSettings({ environment: {}, flags: { 'data.directory': root, 'server.port': String(port), 'server.bind': '127.0.0.1', 'log.access': '', 'data.sweepSeconds': '0', 'limits.propertyBytes': '200000' } })
  mkdirSync(`${root}/conf`, { recursive: true })
  writeFileSync(`${root}/conf/accounts.toml`, '[users.alice]\nguid = "00000000-0000-0000-0000-000000000001"\nfullName = "Alice"\npassword = "plain:alice"\n')
  let running: Running | undefined
  const close = async (): Promise<void> => {
    await running?.close()
    running = undefined
  }
  t.teardown(close)
  return {
    root,
    lines: () => {
      const taken = lines
      lines = []
      return taken
    },
    ask: async (method, path, body, headers = {}) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method, redirect: 'manual',
        headers: { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}`, ...body === undefined ? {} : { 'content-type': body.startsWith('BEGIN') ? 'text/calendar' : 'application/xml' }, ...headers },
        ...body === undefined ? {} : { body }
      })
      return { status: answer.status, body: await answer.text(), headers: answer.headers }
    },
    open: async () => { running = await start(settings) },
    close
  }
}

/** Leaves no byte free on the file system of a directory. @returns makes room again */
export function fill (directory: string): () => void {
  const ballast = `${directory}/ballast`
  for (let size = 16_000_000; size > 0; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // smaller
    }
  }
  if (statfsSync(directory).bavail !== 0) throw new Error(`${directory} is not full`)
  return () => { rmSync(ballast) }
}

/** The names of all files below a directory, sorted; hidden ones too. */
export function filesBelow (directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort()
}

