import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender } from './contender.js'
import type { Sample } from './event.js'
import { freePort, launch } from './process.js'

/** Our own server, compiled; undefined when dist/bin/caldavd.js is not there. */
export async function caldavd (): Promise<Contender | undefined> {
  const dist = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
  const program = path.join(dist, 'bin', 'caldavd.js')
  if (!existsSync(program)) return undefined
  const manifest = JSON.parse(await readFile(path.join(path.dirname(dist), 'package.json'), 'utf8')) as { version: string }
  return {
    name: 'caldavd',
    version: manifest.version,
    credentials: 'alice:secret',
    calendar: calendar(0),
    keepsIndex: true,
    fill: async (directory, samples) => {
      await writeAccounts(directory)
      await fillCalendar(directory, 0, samples)
    },
    start: async (directory, undo) => {
      const port = await freePort()
      const args = [program, 'serve', '--data', path.join(directory, 'data'), '--port', String(port), '--bind', '127.0.0.1',
        '--accounts', path.join(directory, 'accounts.xml')]
      return await launch({ command: process.execPath, args, port, path: '/health' }, undo)
    },
    chill: async directory => {
      await rm(path.join(directory, 'data', 'state'), { recursive: true, force: true })
    }
  }
}

/** The path of one of the calendars that `fillCalendar` makes. */
export function calendar (number: number): string {
  return `/calendars/users/alice/bench${number}/`
}

/** Writes plain files, as a user would who copies them there. */
export async function fillCalendar (directory: string, number: number, samples: readonly Sample[]): Promise<void> {
  const documents = path.join(directory, 'data', 'documents', calendar(number))
  await mkdir(documents, { recursive: true })
  for (const { name, text } of samples) await writeFile(path.join(documents, name), text)
}

async function writeAccounts (directory: string): Promise<void> {
  await writeFile(path.join(directory, 'accounts.xml'), `<?xml version="1.0" encoding="utf-8"?>
<accounts realm="Bench">
  <user><uid>alice</uid><guid>6c4e2b1a-0b5e-4c8e-9a54-3f0a5b1d7e01</guid><password>secret</password><name>Alice</name></user>
</accounts>
`)
}
