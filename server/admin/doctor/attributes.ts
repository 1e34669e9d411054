import * as attribute from '../../../store/attribute.js'
import { facts, read } from '../../../store/file.js'
import { heal, type Properties } from '../../../store/property.js'
import { onlyKey, readSidecar, sidecarName, type Sidecar } from '../../../store/sidecar.js'
import type { Store } from '../../../store/store.js'
import type { Entry, Folder } from './disk.js'
import { shown, type Finding } from './finding.js'
import { checks } from './table.js'
import type { Ward } from './ward.js'

/** Whether attributes and sidecar of a folder say the same. @param files  those of the folder that are served */
export function * attributes (ward: Ward, folder: Folder, files: readonly Entry[]): Generator<Finding> {
  const { directory } = folder
  const sidecar = readSidecar(directory)
  yield * unreadable(directory, sidecar)
  const names = new Set(files.map(({ name }) => name))
  const stale: string[] = [...sidecar.members.keys()].filter(name => !names.has(name) && facts(`${directory}/${name}`)?.isFile() !== true)
  if (stale.length > 0) yield staleFinding(directory, stale, `it speaks of ${some(stale)}, which ${stale.length === 1 ? 'is' : 'are'} not there`)
  if (ward.keepsAttributes) {
    const lost: string[] = []
    const differing: string[] = []
    for (const member of ['', ...names]) {
      const kept = mirrorOf(sidecar, member)
      const found = attribute.list(member === '' ? directory : `${directory}/${member}`)
      if (found.size === 0 && kept.size > 0) lost.push(member)
      else if (!isSame(found, kept)) differing.push(member)
    }
    for (const member of lost) yield lostFinding(directory, member)
    if (differing.length > 0) yield staleFinding(directory, differing, `it does not say what the attributes of ${some(differing.map(member => member === '' ? 'the directory' : member))} say, which count`)
  }
  yield * large(directory, sidecar)
}

function some (names: readonly string[]): string {
  return names.length <= 3 ? names.map(shown).join(', ') : `${names.slice(0, 3).map(shown).join(', ')} and ${names.length - 3} more`
}

/** What the sidecar says that the attributes should say too. */
function mirrorOf ({ collection, members, only }: Sidecar, member: string): Properties {
  const all = member === '' ? collection : members.get(member) ?? new Map<string, string>()
  return new Map([...all].filter(([name]) => !only.has(onlyKey(member, name))))
}

function isSame (found: Properties, kept: Properties): boolean {
  return found.size === kept.size && [...found].every(([name, xml]) => essence(kept.get(name)) === essence(xml))
}

// the sidecar has values without what says that they are XML
function essence (xml: string | undefined): string | undefined {
  return xml?.replace(/^\s*<\?xml[^?]*\?>\s*/, '').trimEnd()
}

function lostFinding (directory: string, member: string): Finding {
  return {
    check: 'lost-attributes',
    path: shown(member === '' ? directory : `${directory}/${member}`),
    message: `its name, colour or other properties are in ${sidecarName} and no longer in its attributes: a copy has dropped them`,
    fix: checks['lost-attributes'].fix,
    mend: async () => { await heal(directory, [member]) }
  }
}

function staleFinding (directory: string, members: readonly string[], message: string): Finding {
  return {
    check: 'stale-sidecar',
    path: shown(`${directory}/${sidecarName}`),
    message,
    fix: `${checks['stale-sidecar'].fix}; what was goes to the history`,
    mend: async store => { await rewritten(store, directory, members) }
  }
}

async function rewritten (store: Store, directory: string, members: readonly string[]): Promise<void> {
  store.writing.history.keep(`${directory}/${sidecarName}`)
  await heal(directory, members)
}

// read as empty, and written anew at the next change
function * unreadable (directory: string, { collection, members }: Sidecar): Generator<Finding> {
  if (collection.size + members.size > 0) return
  const text = read(`${directory}/${sidecarName}`)?.bytes.toString() ?? '{}'
  try {
    if (typeof JSON.parse(text) === 'object') return
  } catch {
    // told below
  }
  yield {
    check: 'stale-sidecar',
    path: shown(`${directory}/${sidecarName}`),
    message: 'it is no JSON, so that nothing is known from it',
    fix: `${checks['stale-sidecar'].fix}, from the attributes; what was goes to the history`,
    mend: async store => {
      await rewritten(store, directory, [''])
      // without any attribute there is nothing to write
      if (attribute.names(directory).length === 0) store.writing.history.takeAway(`${directory}/${sidecarName}`, 'replaced')
    }
  }
}

function * large (directory: string, { collection, members, only }: Sidecar): Generator<Finding> {
  for (const key of only) {
    const at = key.indexOf('{')
    const [member, name] = [key.slice(0, Math.max(0, at - 1)), key.slice(at)]
    const value = member === '' ? collection.get(name) : members.get(member)?.get(name)
    if (value === undefined) continue
    yield {
      check: 'large-attribute',
      path: shown(member === '' ? directory : `${directory}/${member}`),
      message: `${name} takes ${Buffer.byteLength(value)} bytes, too many for an attribute here: it is in ${sidecarName} alone`,
      hand: `nothing to do; copies must take ${sidecarName} along`
    }
  }
}
