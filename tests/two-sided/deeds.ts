import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../oracle/random.js'
import { none } from './model.js'
import { copy, demand, mirror, users, type World } from './world.js'

/** One thing that somebody does; everything that it leaves open comes from `random`. @returns what was done, `undefined` when there was nothing to do it to */
export type Deed = (world: World, random: Random) => string | undefined | Promise<string | undefined>

const names = ['a.ics', 'b.ics', 'c.ics', 'A.ics', 'ü.ics', 'u\u0308.ics', 'x y.ics', 'd.ics'] as const
const places = ['work', 'home', 'Work', 'ö', 'calendar'] as const

function someCalendar (world: World, random: Random): string | undefined {
  const calendars = [...world.model.calendars].filter(path => !path.endsWith('/tasks')).sort()
  return calendars.length === 0 ? undefined : random.pick(calendars)
}

function newCalendar (world: World, random: Random): string | undefined {
  const path = `${random.pick(users)}/${random.pick(places)}`
  return existsSync(world.at(path)) ? undefined : path
}

function someFile (world: World, random: Random): string | undefined {
  // tsdav looks at names with .ics only
  const files = [...world.model.calendars].flatMap(calendar => world.model.filesIn(calendar)).filter(path => path.endsWith('.ics')).sort()
  return files.length === 0 ? undefined : random.pick(files)
}

function newFile (world: World, random: Random): string | undefined {
  const calendar = someCalendar(world, random)
  const path = `${calendar ?? ''}/${random.pick(names)}`
  return calendar === undefined || existsSync(world.at(path)) ? undefined : path
}

function uidOf (world: World, path: string): string {
  return /^UID:(.*?)\r?$/m.exec(readFileSync(world.at(path), 'utf8'))?.[1] ?? world.newUid()
}

/** Makes a copy a day old, as backups are. */
function age (path: string): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) age(join(path, name))
  const time = lstatSync(path).mtimeMs / 1000 - 86_400
  utimesSync(path, time, time)
}

function nameOf (path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Where a client's request for a path goes: the other Unicode form when only that is there, or only that is served. */
function landing (world: World, path: string): string {
  const name = nameOf(path)
  const other = path.slice(0, -name.length) + (name.normalize('NFC') === name ? name.normalize('NFD') : name.normalize('NFC'))
  const isServed = (one: string): boolean => existsSync(world.at(one)) || [...world.model.expected(one)].some(etag => etag !== none)
  return !isServed(path) && isServed(other) ? other : path
}

function done (world: World, path: string, what: string, isOld = false): string {
  world.model.settled(path, isOld)
  world.model.step()
  return what
}

/** What people and programs do to the files. All are synchronous: nobody looks in between. */
export const hands: Readonly<Record<string, Deed>> = {
  write (world, random) {
    const path = newFile(world, random)
    if (path === undefined) return undefined
    writeFileSync(world.at(path), world.body(world.newUid()))
    return done(world, path, `a hand writes ${path}`)
  },
  edit (world, random) {
    const path = someFile(world, random)
    if (path === undefined) return undefined
    writeFileSync(world.at(path), world.body(uidOf(world, path)))
    return done(world, path, `a hand edits ${path} in place`)
  },
  overwrite (world, random) {
    // the bytes alone, as a program with a mapped file does it
    const path = someFile(world, random)
    if (path === undefined) return undefined
    writeFileSync(world.at(path), world.body(uidOf(world, path)), { flag: 'r+' })
    truncateSync(world.at(path), world.body('uid-000000').length)
    return done(world, path, `a hand overwrites ${path} in place`)
  },
  save (world, random) {
    const path = someFile(world, random)
    if (path === undefined) return undefined
    const text = world.body(uidOf(world, path))
    const style = random.pick(['rename', 'backup', 'unlink'])
    const beside = join(world.at(path), '..', random.pick(['.goutputstream-XYZ123', '4913~', '.a.ics.swp']))
    if (style === 'backup') renameSync(world.at(path), `${world.at(path)}~`)
    if (style === 'unlink') unlinkSync(world.at(path))
    writeFileSync(beside, text)
    renameSync(beside, world.at(path))
    return done(world, path, `an editor saves ${path} (${style})`)
  },
  break (world, random) {
    const path = someFile(world, random)
    if (path === undefined || !world.model.isGood(path)) return undefined
    const bytes = readFileSync(world.at(path))
    const style = random.pick(['half', 'empty', 'slip', 'foreign'])
    if (style === 'half') truncateSync(world.at(path), random.whole(1, bytes.length - 20))
    else writeFileSync(world.at(path), style === 'empty' ? '' : style === 'slip' ? String(bytes).replace('END:VEVENT', 'END:EVENT') : 'PK\u0003\u0004 something else')
    return done(world, path, `a hand breaks ${path} (${style})`)
  },
  mend (world, random) {
    const broken = [...world.model.calendars].flatMap(calendar => world.model.filesIn(calendar)).filter(path => path.endsWith('.ics') && !world.model.isGood(path)).sort()
    if (broken.length === 0) return undefined
    const path = random.pick(broken)
    writeFileSync(world.at(path), world.body(uidOf(world, path)))
    return done(world, path, `a hand mends ${path}`)
  },
  remove (world, random) {
    const path = someFile(world, random)
    if (path === undefined) return undefined
    unlinkSync(world.at(path))
    return done(world, path, `a hand removes ${path}`)
  },
  rename (world, random) {
    const [path, to] = [someFile(world, random), newFile(world, random)]
    if (path === undefined || to === undefined) return undefined
    renameSync(world.at(path), world.at(to))
    world.model.settled(path)
    return done(world, to, `a hand renames ${path} to ${to}`)
  },
  swap (world, random) {
    const [path, to] = [someFile(world, random), someFile(world, random)]
    if (path === undefined || to === undefined || path === to) return undefined
    renameSync(world.at(path), `${world.at(path)}.tmp`)
    renameSync(world.at(to), world.at(path))
    renameSync(`${world.at(path)}.tmp`, world.at(to))
    world.model.settled(path)
    return done(world, to, `a hand swaps ${path} and ${to}`)
  },
  copy (world, random) {
    const [path, to] = [someFile(world, random), newFile(world, random)]
    if (path === undefined || to === undefined) return undefined
    copy(world.at(path), world.at(to))
    return done(world, to, `a hand copies ${path} to ${to}`)
  },
  copyOver (world, random) {
    const [path, to] = [someFile(world, random), someFile(world, random)]
    if (path === undefined || to === undefined || path === to) return undefined
    copy(world.at(path), world.at(to))
    return done(world, to, `a hand copies ${path} over ${to}, with its time`, true)
  },
  touch (world, random) {
    const isFile = random.chance(0.8)
    const path = isFile ? someFile(world, random) : someCalendar(world, random)
    if (path === undefined) return undefined
    if (!isFile) world.model.blur(path)
    const time = new Date(Date.now() + random.pick([-86_400_000, -3600_000, -1000, 0, 1000, 3600_000, 86_400_000]))
    utimesSync(world.at(path), time, time)
    world.model.step()
    return `a hand touches ${path} (${time.toISOString()})`
  },
  chmod (world, random) {
    const path = someFile(world, random) ?? someCalendar(world, random)
    if (path === undefined) return undefined
    chmodSync(world.at(path), random.pick([0o600, 0o640, 0o644, 0o755]))
    world.model.step()
    return `a hand changes the mode of ${path}`
  },
  stray (world, random) {
    const calendar = someCalendar(world, random)
    if (calendar === undefined) return undefined
    const name = random.pick(['notes.txt', 'a.ics~', '.DS_Store', 'Thumbs.db', 'b.ics.part', '#a.ics#'])
    writeFileSync(world.at(`${calendar}/${name}`), 'nothing')
    return done(world, `${calendar}/${name}`, `a hand puts ${calendar}/${name}`)
  },
  mkdir (world, random) {
    const path = newCalendar(world, random)
    if (path === undefined) return undefined
    mkdirSync(world.at(path), { recursive: true })
    world.model.step()
    return `a hand makes ${path}`
  },
  renameCalendar (world, random) {
    const [path, to] = [someCalendar(world, random), newCalendar(world, random)]
    if (path === undefined || to === undefined) return undefined
    mkdirSync(join(world.at(to), '..'), { recursive: true })
    renameSync(world.at(path), world.at(to))
    world.model.moved(path, to)
    world.model.step()
    return `a hand renames ${path} to ${to}`
  },
  removeCalendar (world, random) {
    const path = someCalendar(world, random)
    if (path === undefined) return undefined
    rmSync(world.at(path), { recursive: true })
    for (const one of world.model.membersOf(path)) world.model.settled(one)
    world.model.step()
    return `a hand removes ${path}`
  },
  copyCalendar (world, random) {
    const [path, to] = [someCalendar(world, random), newCalendar(world, random)]
    if (path === undefined || to === undefined) return undefined
    copy(world.at(path), world.at(to))
    world.model.step()
    return `a hand copies ${path} to ${to}`
  },
  backUp (world, random) {
    const path = someCalendar(world, random)
    if (path === undefined) return undefined
    const to = join(world.backups, path.replace('/', ' '))
    rmSync(to, { recursive: true, force: true })
    copy(world.at(path), to)
    age(to)
    return `a hand backs up ${path}`
  },
  restore (world, random) {
    const all = readdirSync(world.backups).sort()
    if (all.length === 0) return undefined
    const name = random.pick(all)
    const path = name.replace(' ', '/')
    const [from, to] = [join(world.backups, name), world.at(path)]
    const style = random.pick(['over', 'mirror', 'instead', 'aside'])
    mkdirSync(join(to, '..'), { recursive: true })
    world.model.restores(path, () => {
      if (style === 'instead') rmSync(to, { recursive: true, force: true })
      if (style === 'aside' && existsSync(to)) renameSync(to, join(world.data, `aside ${Date.now()} ${random.whole(0, 1e9)}`))
      if (style === 'mirror') mirror(from, to)
      else copy(from, to)
    })
    return `a hand restores ${path} (${style})`
  },
  restoreFile (world, random) {
    const all = readdirSync(world.backups).flatMap(name => readdirSync(join(world.backups, name)).filter(one => one.endsWith('.ics')).map(one => [name, one] as const)).sort()
    if (all.length === 0) return undefined
    const [name, one] = random.pick(all)
    const path = `${name.replace(' ', '/')}/${one}`
    if (!world.model.calendars.has(name.replace(' ', '/'))) return undefined
    copy(join(world.backups, name, one), world.at(path))
    return done(world, path, `a hand restores ${path}`, true)
  }
}

function someClient (world: World, random: Random): World['clients'][number] {
  return random.pick(world.clients)
}

function someItem (world: World, random: Random): { client: World['clients'][number], path: string, etag: string, text: string } | undefined {
  const client = someClient(world, random)
  const items = client.calendars.flatMap(calendar => [...client.items(calendar)].map(([name, item]) => ({ client, path: `${calendar}/${name}`, ...item })))
  return items.length === 0 ? undefined : random.pick(items)
}

/** Whether what a client has of a path may still be what is served. */
function check (world: World, path: string, etag: string, status: number, what: string): void {
  const expected = world.model.expected(path)
  demand(status < 500, `${what} is ${status}`)
  if (status < 300) demand(expected.has(etag), `${what} is ${status} although ${[...expected].join(' or ') || 'nothing'} is served, not ${etag || 'nothing'}`)
  if (status === 412) demand([...expected].some(one => one !== etag), `${what} is 412 although it is still what is served`)
}

/** What clients do. */
export const requests: Readonly<Record<string, Deed>> = {
  async create (world, random) {
    const client = someClient(world, random)
    const calendars = client.calendars.filter(path => !path.endsWith('/tasks')).sort()
    if (calendars.length === 0) return undefined
    const path = `${random.pick(calendars)}/${random.pick(names)}`
    const lands = landing(world, path)
    const text = world.body(world.newUid())
    const { status, headers } = await client.create(path, text)
    const what = `${client.name} makes ${path}`
    check(world, lands, none, status, what)
    if (status < 300) acknowledge(world, client, path, lands, text, headers.get('etag'))
    return `${what}: ${status}`
  },
  async update (world, random) {
    const item = someItem(world, random)
    if (item === undefined) return undefined
    const { client, path, etag } = item
    const lands = landing(world, path)
    const text = world.body(/^UID:(.*?)\r?$/m.exec(item.text)?.[1] ?? world.newUid())
    const { status, headers } = await client.update(path, text, etag)
    const what = `${client.name} changes ${path}`
    check(world, lands, etag, status, what)
    if (status < 300) acknowledge(world, client, path, lands, text, headers.get('etag'))
    return `${what}: ${status}`
  },
  async delete (world, random) {
    const item = someItem(world, random)
    if (item === undefined) return undefined
    const { client, path, etag } = item
    const lands = landing(world, path)
    const { status } = await client.remove(path, etag)
    const what = `${client.name} deletes ${path}`
    check(world, lands, etag, status, what)
    if (status < 300) {
      demand(!existsSync(world.at(lands)), `${what} is ${status} and it is still there`)
      world.model.known.set(etag, lands)
      world.model.settled(lands)
      world.model.hold(lands, none)
      world.model.step()
      client.keeps(path, undefined)
    }
    return `${what}: ${status}`
  },
  async move (world, random) {
    const item = someItem(world, random)
    if (item === undefined) return undefined
    const { client, path } = item
    const calendars = client.calendars.filter(one => !one.endsWith('/tasks')).sort()
    if (calendars.length === 0) return undefined
    const to = `${random.pick(calendars)}/${random.pick(names)}`
    const [from, lands] = [landing(world, path), landing(world, to)]
    if (from === lands) return undefined
    const before = world.model.expected(from)
    const status = await client.move(path, to)
    const what = `${client.name} moves ${path} to ${to}`
    demand(status < 500, `${what} is ${status}`)
    if (status < 300) {
      demand(world.model.expected(lands).has(none), `${what} is ${status} although something is there`)
      demand(!existsSync(world.at(from)), `${what} is ${status} and it is still there`)
      world.model.settled(from)
      world.model.settled(lands)
      world.model.hold(from, none)
      world.model.step()
      demand([...world.model.expected(lands)].some(etag => before.has(etag)), `${what} is ${status} and something else is there`)
      const [etag = none] = world.model.expected(lands)
      world.model.hold(lands, etag)
    }
    return `${what}: ${status}`
  },
  async get (world, random) {
    const item = someItem(world, random)
    if (item === undefined) return undefined
    await world.read(item.client, landing(world, item.path))
    return `${item.client.name} reads ${item.path}`
  },
  async sync (world, random) {
    const client = someClient(world, random)
    await world.sync(client)
    return `${client.name} synchronises`
  },
  async makeCalendar (world, random) {
    const client = someClient(world, random)
    const path = `${random.pick(client.owners)}/${random.pick(places)}`
    const was = existsSync(world.at(path))
    const status = await client.makeCalendar(path)
    const what = `${client.name} makes the calendar ${path}`
    demand(status < 500 && (status < 300) === !was, `${what} is ${status}`)
    world.model.step()
    return `${what}: ${status}`
  },
  async removeCalendar (world, random) {
    const client = someClient(world, random)
    const calendars = client.calendars.filter(one => !one.endsWith('/tasks')).sort()
    if (calendars.length === 0) return undefined
    const path = random.pick(calendars)
    const what = `${client.name} deletes the calendar ${path}`
    const was = existsSync(world.at(path))
    const status = await client.removeCalendar(path)
    demand(status < 500 && (status < 300) === was, `${what} is ${status}`)
    if (status < 300) {
      for (const one of world.model.membersOf(path)) {
        world.model.settled(one)
        world.model.hold(one, none)
      }
      world.model.step()
    }
    return `${what}: ${status}`
  }
}

function acknowledge (world: World, client: World['clients'][number], path: string, lands: string, text: string, etag: string | null): void {
  demand(etag !== null, `PUT ${path} has no ETag`)
  demand(existsSync(world.at(lands)) && lstatSync(world.at(lands)).isFile() && readFileSync(world.at(lands), 'utf8') === text, `PUT ${path} was acknowledged and is not on the disk`)
  world.model.settled(lands)
  world.model.step()
  const wrong = world.model.wrong(lands, etag)
  demand(wrong === undefined, `PUT ${path}: ${wrong ?? ''}`)
  world.model.saw(lands, etag)
  if (path === lands && nameOf(path) !== '') client.keeps(path, { etag, text })
}
