import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { which, type Contender } from './contender.js'
import { freePort, launch } from './process.js'

/** Xandikos with its default storage (a git repository); it has no authentication. Undefined when it or git is not installed. */
export function xandikos (): Contender | undefined {
  const command = which('xandikos')
  if (command === undefined || which('git') === undefined) return undefined
  return {
    name: 'xandikos',
    version: /\d[\d.]*/.exec(execFileSync(command, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown',
    credentials: 'alice:secret',
    calendar: '/alice/calendars/bench/',
    keepsIndex: false,
    fill: async (directory, samples) => {
      const collection = path.join(directory, 'alice', 'calendars', 'bench')
      await mkdir(collection, { recursive: true })
      await writeFile(path.join(collection, '.xandikos'), '[DEFAULT]\ntype = calendar\n\n')
      for (const { name, text } of samples) await writeFile(path.join(collection, name), text)
      for (const args of [['init', '-q'], ['add', '-A'], ['commit', '-q', '-m', 'fill']]) {
        execFileSync('git', args, { cwd: collection, env: { ...process.env, ...identity } })
      }
    },
    start: async (directory, undo) => {
      const port = await freePort()
      const args = ['-d', directory, '-l', '127.0.0.1', '-p', String(port), '--current-user-principal', '/alice/']
      return await launch({ command, args, port, path: '/', environment: identity }, undo)
    },
    chill: async () => {}
  }
}

/** Whoever runs this need not have told git a name, and no hook or signing of theirs shall take part. */
const identity = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@example.org',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@example.org'
}
