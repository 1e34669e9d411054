import * as attribute from './attribute.js'
import { StoreError } from './error.js'
import { stampOf } from './etag.js'
import { discard, draft, facts as statsOf, flushDirectory, rename } from './file.js'
import type { Collection, Home } from './home.js'
import { memberRow, updateMember } from './index/update.js'
import { demandSpace } from './space.js'
import { draftsFor, type Writing } from './write.js'

/**
 * Puts other bytes in the place of a file that was made by hand and may be one that cannot be served, which `writeMember` leaves alone.
 * What was there gets its name in the history before the rename, so that it is never nowhere.
 * @param seen  `stampOf` the file when the bytes were made from it
 * @throws StoreError changed (it is another file by now), full, read-only (also when nothing is kept)
 */
export async function mendMember (writing: Writing, home: Home, collection: Collection, name: string, bytes: Buffer, seen: string): Promise<void> {
  const { history } = writing
  const target = `${collection.directory}/${name}`
  demandHistory(writing)
  demandSpace([collection.directory, writing.state], bytes.length)
  const written = await draft(draftsFor(writing, collection.directory), bytes, path => {
    const [first] = attribute.copy(target, path)
    if (first !== undefined) throw new StoreError('full', `no room to keep the attribute ${first} of ${target}`)
  }, writing.durable)
  try {
    home.own(collection, () => {
      const stats = statsOf(target)
      if (stats === undefined || stampOf(stats) !== seen) throw new StoreError('changed', `${target} was changed in the meantime`)
      const isKept = memberRow(home.place(collection), name)?.problem === ''
      history.keep(target)
      rename(written.path, target)
      home.guarded(() => { updateMember({ ...home.place(collection), isKept }, name) })
    })
  } catch (error) {
    discard(written)
    throw error
  }
  if (writing.durable) await flushDirectory(collection.directory)
}

/** @throws StoreError read-only when no former versions are kept: then nothing may be changed for people */
export function demandHistory ({ history }: Writing): void {
  if (!history.isOn) throw new StoreError('read-only', 'former versions are not kept (history.days is 0), so this is left as it is')
}
