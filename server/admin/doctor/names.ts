import { isTemporary, read } from '../../../store/file.js'
import { isIgnored } from '../../../store/name.js'
import { StoreError } from '../../../store/error.js'
import type { Entry, Folder, Kind } from './disk.js'
import { shown, type Finding } from './finding.js'
import { giveName, opened, renameByHand } from './mend.js'

/** Names that make trouble: alone, or two that are one elsewhere. */
export function * names (folder: Folder): Generator<Finding> {
  const taken = new Set(folder.entries.map(({ name }) => keyOf(name)))
  const met = new Map<string, Entry>()
  for (const entry of folder.entries) {
    const { name } = entry
    if (entry.octets === undefined && isIgnored(name)) yield * hidden(folder, entry)
    else if (badness(entry) !== undefined) yield bad(folder, entry, taken)
    else {
      const other = met.get(keyOf(name))
      if (other === undefined) met.set(keyOf(name), entry)
      // most clients ask for the composed form
      else if (name.normalize('NFC') === name && other.name.normalize('NFC') === name) yield twin(folder, other, name, taken)
      else yield twin(folder, entry, other.name, taken)
    }
  }
}

/** What is the same name on a file system that knows neither case nor Unicode forms. */
function keyOf (name: string): string {
  return name.normalize('NFC').toLowerCase().replace(/[. ]+$/, '')
}

function badness ({ name, octets }: Entry): string | undefined {
  if (octets !== undefined) return 'its name is not UTF-8, so that it is not served'
  if (/[\0-\x1f\x7f]/.test(name)) return 'its name holds a control character, so that clients cannot ask for it'
  return name.trim() === name ? undefined : `its name ${JSON.stringify(name)} begins or ends with a blank, which Windows and many programs lose`
}

function bad (folder: Folder, { name, octets, kind }: Entry, taken: ReadonlySet<string>): Finding {
  const better = (octets === undefined ? name : octets.toString('latin1')).replace(/[\0-\x1f\x7f-\x9f/]+/g, '-').trim()
  const finding = { check: 'bad-name', path: shown(Buffer.concat([Buffer.from(`${folder.directory}/`), octets ?? Buffer.from(name)])), message: badness({ name, kind, ...octets === undefined ? {} : { octets } }) ?? '' } as const
  const isTaken = taken.has(keyOf(better)) && (keyOf(better) !== keyOf(name) || folder.entries.some(entry => entry.name === better))
  if (better === '' || isIgnored(better) || isTaken) return { ...finding, hand: `give it a name of its own with mv: ${JSON.stringify(better)} cannot be used, or is taken` }
  // clients know it by this name
  if (kind === 'directory' && octets === undefined && isAskable(name)) return { ...finding, hand: 'rename it with caldavd mv, and tell its clients' }
  const from = Buffer.concat([Buffer.from(`${folder.directory}/`), octets ?? Buffer.from(name)])
  return {
    ...finding,
    fix: `renames it to ${JSON.stringify(better)}`,
    mend: async store => {
      if (octets === undefined && kind === 'file') await giveName(store, folder, name, better)
      else await renamed(store, folder, from, better)
    }
  }
}

function isAskable (name: string): boolean {
  return !/[\0-\x1f\x7f]/.test(name)
}

async function renamed (store: Parameters<typeof opened>[0], folder: Folder, from: Buffer, better: string): Promise<void> {
  renameByHand(from, `${folder.directory}/${better}`)
  const { home } = await opened(store, folder)
  home.list()
}

function twin (folder: Folder, { name, kind }: Entry, other: string, taken: ReadonlySet<string>): Finding {
  const isForm = name.normalize('NFC') === other.normalize('NFC')
  const check = isForm ? 'twin-names' : 'case-clash'
  const path = shown(`${folder.directory}/${name}`)
  const message = isForm
    ? 'another is called like it in another Unicode form: macOS takes the two for one'
    : `it is called like ${other} but for capitals: macOS, Windows and FAT take the two for one, and a copy loses one of them`
  if (kind !== 'file') return { check, path, message, hand: 'rename one of them with caldavd mv, and tell its clients' }
  const better = free(name.normalize('NFC'), taken)
  return { check, path, message, fix: `renames it to ${better}`, mend: async store => { await giveName(store, folder, name, better) } }
}

function free (name: string, taken: ReadonlySet<string>): string {
  const [, base = name, end = ''] = /^(.+?)(\.[^.]*)?$/s.exec(name) ?? []
  for (let number = 2; ; number++) if (!taken.has(keyOf(`${base}-${number}${end}`))) return `${base}-${number}${end}`
}

function * hidden ({ directory, holdsObjects, entries }: Folder, { name, kind }: Entry): Generator<Finding> {
  // `.x.ics.Ab3dEf` is rsync's unfinished copy, `x.ics~` beside `x.ics` an editor's backup, which is nobody's event
  if (!holdsObjects || kind !== 'file' || isTemporary(name) || name.startsWith('.tmp-') || entries.some(entry => entry.name === plainOf(name))) return
  if (!/\.ics(?:$|[~#.])/i.test(name) || !isEvent(`${directory}/${name}`)) return
  yield {
    check: 'hidden-event',
    path: shown(`${directory}/${name}`),
    message: 'it holds an event, and names like this are never served: they belong to the system, to editors and to copies that are under way',
    hand: `rename it to ${JSON.stringify(plainOf(name))} when it is an event, or remove it`
  }
}

/** The name of which this is the temporary one. */
function plainOf (name: string): string {
  return name.replace(/^[.#]+/, '').replace(/(\.ics).*$/i, '$1')
}

function isEvent (path: string): boolean {
  try {
    return /^(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR/i.test(read(path)?.bytes.toString('latin1', 0, 200) ?? '')
  } catch (error) {
    if (error instanceof StoreError) return false
    throw error
  }
}

const kinds: Readonly<Record<Exclude<Kind, 'file'>, string>> = { directory: 'a directory', link: 'a symbolic link, which is not followed', other: 'a socket, pipe or device' }

/** What lies in a folder and is no file of it. */
export function * strangers ({ path, directory, holdsObjects, entries }: Folder): Generator<Finding> {
  for (const { name, kind, octets } of entries) {
    if (octets !== undefined || isIgnored(name)) continue
    const full = shown(`${directory}/${name}`)
    if (kind === 'file') {
      if (!holdsObjects && path === '' && /\.ics$/i.test(name)) yield { check: 'misplaced-event', path: full, message: 'it lies beside the calendars, in none of them, so that no client shows it', hand: 'move it into a calendar' }
    } else if (kind !== 'directory' || holdsObjects) {
      yield { check: 'foreign-file', path: full, message: `it is ${kinds[kind]}${kind === 'directory' ? ' inside a calendar' : ''}, and is not served`, hand: kind === 'link' ? 'copy what it leads to into its place' : kind === 'directory' ? 'move it beside the calendar: then it is one too' : 'remove it' }
    }
  }
}

