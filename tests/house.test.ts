import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

/** The rooms, lowest first: a file may import its own room and those before it. */
const rooms = ['twistedcompat', 'conf', 'store', 'server/xml', 'server/ical', 'server/dav', 'server/directory', 'server/site', 'server/acl', 'server/calendar',
  'server/property', 'server/report', 'server/method', 'server/admin', 'server/http', 'server/main', 'server/cli', 'bin']

/** Pairs that must not know each other although one lies below the other. */
const strangers: readonly (readonly [string, string])[] = [['server/ical', 'server/xml'], ['server/ical', 'store'], ['server/xml', 'store'], ['store', 'conf'], ['conf', 'store']]

/** The one file, or room, that may import a library. */
const doors: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^store\/index\/open\.ts$/,
  'chokidar': /^store\/watch\.ts$/,
  'fs-xattr': /^store\/attribute\.ts$/,
  'fast-xml-parser': /^(?:server\/xml\/parse|twistedcompat\/document)\.ts$/,
  'ical.js': /^server\/ical\//,
  'bcryptjs': /^server\/directory\/bcrypt-worker\.ts$/,
  'ldapts': /^server\/directory\/ldap\.ts$/,
  'fastify': /^server\/http\//,
  'smol-toml': /^conf\/toml\.ts$/
}

function files (directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : []
  })
}

function roomOf (path: string): number {
  return rooms.findIndex(room => path.startsWith(`${room}/`) || path === `${room}.ts`)
}

const imports = ['bin', 'conf', 'server', 'store', 'twistedcompat'].flatMap(files).flatMap(file =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import) '([^']+)'/g)].map(match => ({ file, wanted: match[1] ?? '' })))

t.test('imports go down, never up', async t => {
  t.ok(imports.length > 300, 'the imports were found')
  for (const { file, wanted } of imports.filter(({ wanted }) => wanted.startsWith('.'))) {
    const target = normalize(join(dirname(file), wanted)).replace(/\.js$/, '.ts')
    const [from, to] = [roomOf(file), roomOf(target)]
    if (from < 0 || to < 0) t.fail(`${file} or ${target} is in no room`)
    else if (to > from) t.fail(`${file} (${rooms[from]}) imports ${target} (${rooms[to]}), which is above it`)
  }
})

t.test('strangers do not know each other', async t => {
  for (const [room, other] of strangers) {
    const found = imports.filter(({ file, wanted }) => file.startsWith(`${room}/`) && wanted.startsWith('.') && normalize(join(dirname(file), wanted)).startsWith(`${other}/`))
    t.same(found, [], `${room} does not import ${other}`)
  }
})

t.test('a library has one door', async t => {
  for (const [library, door] of Object.entries(doors)) {
    t.same(imports.filter(({ file, wanted }) => wanted === library && !door.test(file)), [], `${library} is imported at ${door.source} only`)
  }
})

t.test('recurrence has one door', async t => {
  const behind = imports.filter(({ file, wanted }) => wanted.startsWith('.') && normalize(join(dirname(file), wanted)).startsWith('server/ical/recur/'))
  t.ok(behind.length > 5, 'the parts were found')
  t.same(behind.filter(({ file }) => file !== 'server/ical/recur.ts' && !file.startsWith('server/ical/recur/')), [], 'server/ical/recur/ is imported by recur.ts only')
})

t.test('no file is called by a name that has no reason to stop growing', async t => {
  const all = ['bin', 'conf', 'server', 'store', 'twistedcompat'].flatMap(files)
  t.same(all.filter(file => /\/(?:utils?|common|helpers?|types|index|misc)\.ts$/.test(file)), [])
})
