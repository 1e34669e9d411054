import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { which, type Contender } from './contender.js'
import { freePort, launch } from './process.js'

/** Radicale with its default storage (files, fsync on) and an htpasswd file; undefined when it is not installed. */
export function radicale (): Contender | undefined {
  const command = which('radicale')
  if (command === undefined) return undefined
  return {
    name: 'radicale',
    version: execFileSync(command, ['--version'], { encoding: 'utf8' }).trim(),
    credentials: 'alice:secret',
    calendar: '/alice/bench/',
    keepsIndex: true,
    fill: async (directory, samples) => {
      const collection = path.join(directory, 'collection-root', 'alice', 'bench')
      await mkdir(collection, { recursive: true })
      await writeFile(path.join(collection, '.Radicale.props'), '{"tag": "VCALENDAR"}')
      for (const { name, text } of samples) await writeFile(path.join(collection, name), text)
      await writeFile(path.join(directory, 'users'), 'alice:secret\n')
    },
    start: async (directory, undo) => {
      const port = await freePort()
      const config = path.join(directory, 'config')
      await writeFile(config, [
        '[server]', `hosts = 127.0.0.1:${port}`, 'timeout = 300',
        '[auth]', 'type = htpasswd', `htpasswd_filename = ${path.join(directory, 'users')}`, 'htpasswd_encryption = plain', 'delay = 0',
        '[storage]', `filesystem_folder = ${directory}`,
        '[logging]', 'level = error', ''
      ].join('\n'))
      return await launch({ command, args: ['--config', config], port, path: '/.web/' }, undo)
    },
    chill: async directory => {
      await rm(path.join(directory, 'collection-root', 'alice', 'bench', '.Radicale.cache'), { recursive: true, force: true })
    }
  }
}
