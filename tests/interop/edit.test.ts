import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { run } from './run.js'
import { event, missing, names, namespaces, propfind, property, request, serve, strays, type Served } from './server.js'
import { roomFor } from './room.js'

/** What a change must do to the calendar it was made in; names of files. */
interface Change {
  /** A line for the shell, in the directory of the calendar. */
  readonly command: string
  readonly changed: readonly string[]
  readonly gone?: readonly string[]
  /** What GET of the first changed file must show afterwards. */
  readonly shows?: string
}

const quiet = 'GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null git -c user.name=a -c user.email=a@example.org --git-dir="$OUTSIDE/repository" --work-tree=.'

const changes: Readonly<Record<string, Change>> = {
  'cp brings a file': { command: 'cp "$OUTSIDE/new.ics" .', changed: ['new.ics'], shows: 'SUMMARY:New' },
  'vim writes a file': {
    command: 'vim -es -u NONE -i NONE -N -c "%s/SUMMARY:.*/SUMMARY:By vim/" -c wq a.ics', changed: ['a.ics'], shows: 'SUMMARY:By vim'
  },
  'sed -i edits a file': { command: 'sed -i "s/SUMMARY:.*/SUMMARY:By sed\\r/" b.ics', changed: ['b.ics'], shows: 'SUMMARY:By sed' },
  'cp overwrites a file in place': { command: 'cp "$OUTSIDE/c-2.ics" c.ics', changed: ['c.ics'], shows: 'SUMMARY:Second' },
  'the same length and the same time are not mistaken for no change': {
    command: 'touch -r c.ics "$OUTSIDE/stamp"; sed s/Second/Fourth/ c.ics >"$OUTSIDE/t"; cat "$OUTSIDE/t" >c.ics; touch -r "$OUTSIDE/stamp" c.ics', changed: ['c.ics'], shows: 'SUMMARY:Fourth'
  },
  'mv renames a file': { command: 'mv a.ics "a ü.ics"', changed: ['a ü.ics'], gone: ['a.ics'], shows: 'SUMMARY:By vim' },
  'mv brings a file from outside': { command: 'mv "$OUTSIDE/moved.ics" .', changed: ['moved.ics'], shows: 'SUMMARY:Moved' },
  'rm takes files away': { command: 'rm b.ics new.ics', changed: [], gone: ['b.ics', 'new.ics'] },
  'rsync -a brings a directory': {
    command: 'rsync -a "$OUTSIDE/many/" .', changed: Array.from({ length: 30 }, (_, n) => `many-${n}.ics`), shows: 'SUMMARY:Many'
  },
  'rsync -a --delete takes away what is not there': {
    command: 'rm "$OUTSIDE/many/many-7.ics"; cp c.ics moved.ics a*.ics "$OUTSIDE/many"; rsync -a --delete --exclude=".*" "$OUTSIDE/many/" .', changed: [], gone: ['many-7.ics']
  },
  'edits, removals and commits in a git work tree': {
    command: `${quiet} init -q && ${quiet} add -- *.ics && ${quiet} commit -qm one && sed -i s/Moved/Moves/ moved.ics && ${quiet} rm -q many-1.ics && ${quiet} commit -qam two`,
    changed: ['moved.ics'], gone: ['many-1.ics'], shows: 'SUMMARY:Moves'
  },
  'git checkout of the state before': { command: `${quiet} checkout -q HEAD~1`, changed: ['moved.ics', 'many-1.ics'], shows: 'SUMMARY:Moved' }
}

t.test('what is done in documents/ is on the wire within a second', {
  skip: missing('vim', 'sed', 'rsync', 'git') || (process.env['CALDAVD_INTEROP_URL'] !== undefined && 'needs the data directory')
}, async t => {
  const directory = roomFor(t, {
    outside: {
      'new.ics': event('new@example.org', 'New'),
      'c-2.ics': event('c@example.org', 'Second'),
      'moved.ics': event('moved@example.org', 'Moved'),
      many: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`many-${n}.ics`, event(`many-${n}@example.org`, `Many ${n}`)]))
    }
  })
  const served = await serve(t, path.join(directory, 'data'))
  const outside = path.join(directory, 'outside')
  const home = path.join(directory, 'data', 'documents', served.home)
  const calendar = `${served.home}calendar/`
  const shell = async (t: Test, command: string, cwd: string): Promise<void> => {
    const { code, printed } = await run('sh', ['-c', command], { cwd, environment: { OUTSIDE: outside } })
    t.equal(code, 0, command, { printed })
  }
  await request(served, 'PROPFIND', served.home, propfind('D:resourcetype'), { depth: '1' })
  for (const name of ['a', 'b', 'c']) {
    t.equal((await request(served, 'PUT', `${calendar}${name}.ics`, event(`${name}@example.org`, 'First'))).status, 201)
  }

  for (const [name, { command, changed, gone = [], shows }] of Object.entries(changes)) {
    await t.test(name, async t => {
      const [token, ctag] = await state(served, calendar)
      await shell(t, command, path.join(home, 'calendar'))
      let found: Sync | undefined
      const took = await until(async () => {
        found = await sync(served, calendar, token)
        return contains(found.changed, changed) && contains(found.gone, gone)
      })
      t.same([...found?.changed ?? []].sort(), [...changed].sort(), 'sync-collection: changed')
      t.same([...found?.gone ?? []].sort(), [...gone].sort(), 'sync-collection: gone')
      t.ok(took < 1000, `seen after ${took.toFixed(0)} ms`)
      t.not((await state(served, calendar))[1], ctag, 'the ctag is another one')
      for (const each of gone) t.equal((await request(served, 'GET', calendar + encodeURIComponent(each))).status, 404, `${each} is gone`)
      if (changed[0] !== undefined && shows !== undefined) {
        t.match((await request(served, 'GET', calendar + encodeURIComponent(changed[0]))).text, shows, 'GET')
      }
    })
  }

  await t.test('GET right after an edit does not answer the old bytes', async t => {
    writeFileSync(path.join(home, 'calendar', 'c.ics'), event('c@example.org', 'At once'))
    t.match((await request(served, 'GET', `${calendar}c.ics`)).text, 'SUMMARY:At once')
    await until(async () => (await sync(served, calendar, (await state(served, calendar))[0])).changed.length === 0)
  })

  await t.test('touch changes nothing', async t => {
    await new Promise(resolve => setTimeout(resolve, 300))
    const before = await state(served, calendar)
    await shell(t, 'touch *.ics', path.join(home, 'calendar'))
    await new Promise(resolve => setTimeout(resolve, 500))
    t.same(await state(served, calendar), before, 'neither the sync-token nor the ctag')
  })

  await t.test('mkdir makes a calendar, mv renames it, rm -r takes it away', async t => {
    const homeCtag = await property(served, served.home, 'CS:getctag')
    const listed = async (name: string): Promise<boolean> =>
      names(await request(served, 'PROPFIND', served.home, propfind('D:resourcetype'), { depth: '1' })).includes(name)
    const within = async (what: string, seen: () => Promise<boolean>): Promise<void> => {
      const took = await until(seen)
      t.ok(took < 1000, `${what}: seen after ${took.toFixed(0)} ms`)
    }
    // Only an event of the file system tells of it: the directory itself does not change
    const inPlace = async (target: string, file: string): Promise<void> => {
      const [token] = await state(served, target)
      writeFileSync(file, event('new@example.org', `In place, ${target}`))
      await within('a file written in place', async () => (await sync(served, target, token)).changed.includes('new.ics'))
    }
    await shell(t, 'mkdir "Fêtes 2025"', home)
    await within('mkdir', () => listed('Fêtes 2025'))
    const made = `${served.home}${encodeURIComponent('Fêtes 2025')}/`
    t.match((await request(served, 'PROPFIND', made, propfind('D:resourcetype'), { depth: '0' })).text, /<(?:[\w-]+:)?calendar\/>/, 'it is a calendar')
    await within('ctag of the home', async () => await property(served, served.home, 'CS:getctag') !== homeCtag)
    await shell(t, 'cp ../../../../../outside/new.ics "Fêtes 2025/"', home)
    await within('a file in it', async () => (await sync(served, made, '')).changed.includes('new.ics'))
    await inPlace(made, path.join(home, 'Fêtes 2025', 'new.ics'))
    cpSync(path.join(home, 'Fêtes 2025'), path.join(home, 'copied'), { recursive: true })
    await within('a directory that comes with its files', async () => (await sync(served, `${served.home}copied/`, '')).changed.includes('new.ics'))
    await shell(t, 'mv copied renamed', home)
    await within('mv', async () => await listed('renamed') && !await listed('copied') &&
      (await sync(served, `${served.home}renamed/`, '')).changed.includes('new.ics'))
    await inPlace(`${served.home}renamed/`, path.join(home, 'renamed', 'new.ics'))
    await shell(t, 'rm -r renamed "Fêtes 2025"', home)
    await within('rm -r', async () => !await listed('renamed') && !await listed('Fêtes 2025'))
    mkdirSync(path.join(home, 'Fêtes 2025'))
    await within('the same name again is empty', async () => await listed('Fêtes 2025') && (await sync(served, made, '')).changed.length === 0)
  })

  t.same(strays(path.join(directory, 'data')), [], 'on disk it is plain files')
  t.same(readdirSync(path.join(home, 'calendar')).filter(name => name.startsWith('.') && name !== '.properties.json'), [], 'and no temporary ones')
})

interface Sync {
  readonly changed: string[]
  readonly gone: string[]
}

async function sync (served: Served, target: string, token: string): Promise<Sync> {
  const answer = await request(served, 'REPORT', target, `<?xml version="1.0" encoding="utf-8"?><D:sync-collection ${namespaces}>
    <D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`, { depth: '0' })
  const found: Sync = { changed: [], gone: [] }
  for (const [response] of answer.text.matchAll(/<(?:[\w-]+:)?response[\s>][^]*?<\/(?:[\w-]+:)?response>/g)) {
    const where = response.includes('propstat>') ? found.changed : found.gone
    where.push(...names({ ...answer, text: response }))
  }
  return found
}

async function state (served: Served, target: string): Promise<[token: string, ctag: string]> {
  return [await property(served, target, 'D:sync-token') ?? '', await property(served, target, 'CS:getctag') ?? '']
}

/** Milliseconds until it is so; gives up after two seconds. */
async function until (isSo: () => Promise<boolean>): Promise<number> {
  const started = performance.now()
  while (!await isSo()) {
    if (performance.now() - started > 2000) return Infinity
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return performance.now() - started
}

function contains (all: readonly string[], some: readonly string[]): boolean {
  return some.every(each => all.includes(each))
}
