import { linkSync, renameSync, unlinkSync } from 'node:fs'
import { codeOf, StoreError } from '../../../store/error.js'
import { facts } from '../../../store/file.js'
import type { Collection, Home } from '../../../store/home.js'
import { memberRow } from '../../../store/index/update.js'
import { withUid } from '../../../store/index/search.js'
import { demandHistory, mendMember } from '../../../store/mend.js'
import type { Store } from '../../../store/store.js'
import { deleteMember, moveMember, writeMember } from '../../../store/write.js'
import { nameFor } from '../../method/bulk.js'
import type { Piece } from './body.js'
import type { Folder } from './disk.js'
import { MendError } from './finding.js'

/** A collection with its index, compared with the disk. */
export interface Opened { readonly home: Home, readonly collection: Collection }

/** Opens the collection that a folder is. @throws MendError when it is gone */
export async function opened (store: Store, folder: Pick<Folder, 'home' | 'path' | 'directory'>): Promise<Opened> {
  const home = store.home(folder.home.segments)
  const collection = home?.collection(folder.path)
  if (home === undefined || collection === undefined) throw new MendError(`${folder.directory} is not there any more`)
  await home.fresh(collection)
  return { home, collection }
}

/**
 * Puts the pieces of a file in its place: all but one in files of their own, then the one that clients know it by into the file. Broken
 * off in the middle the file is still whole, and what is there already is not written again.
 * @param seen  `stampOf` the file when it was read
 * @throws MendError when another file has one of the UIDs
 */
export async function putPieces (store: Store, folder: Folder, name: string, pieces: readonly Piece[], seen: string): Promise<void> {
  const { home, collection } = await opened(store, folder)
  demandHistory(store.writing)
  const served = memberRow(home.place(collection), name)
  const missing = pieces.filter(piece => !isThere(home, collection, name, piece))
  const own = missing.find(({ uid }) => uid === served?.uid) ?? missing[0]
  if (own === undefined) throw new MendError(`all that is in it is in other files of ${folder.directory} already: remove it`)
  const others = missing.filter(piece => piece !== own)
  for (const { uid, bytes } of others) {
    await writeMember(store.writing, home, collection, nameFor({ collection }, uid), { bytes }, current => {
      if (current !== undefined) throw new StoreError('changed', `${folder.directory} was changed in the meantime`)
    })
  }
  await mendMember(store.writing, home, collection, name, own.bytes, seen)
}

function isThere (home: Home, collection: Collection, name: string, { uid, bytes }: Piece): boolean {
  const holder = withUid(home.index, collection.id, uid, name)
  if (holder === undefined) return false
  if (home.content(collection, holder)?.bytes.equals(bytes) === true) return true
  throw new MendError(`the UID ${uid} is in ${holder} too, with another content: remove one of the two`)
}

/** Removes a file that is the same as another, byte for byte. @throws MendError when it is not any more */
export async function removeCopy (store: Store, folder: Folder, name: string, original: string): Promise<void> {
  const { home, collection } = await opened(store, folder)
  demandHistory(store.writing)
  await deleteMember(store.writing, home, collection, name, current => {
    const [one, other] = [home.content(collection, name)?.bytes, home.content(collection, original)?.bytes]
    if (current === undefined || one === undefined || other?.equals(one) !== true) throw new MendError(`${name} and ${original} are not the same any more`)
  })
}

/** Gives a file that is served another name, which nothing has. */
export async function giveName (store: Store, folder: Folder, name: string, better: string): Promise<void> {
  const { home, collection } = await opened(store, folder)
  if (home.problem(collection, name) !== undefined || home.member(collection, name) === undefined) {
    renameByHand(`${folder.directory}/${name}`, `${folder.directory}/${better}`)
    home.suspect(folder.path, undefined)
    await home.fresh(collection)
    return
  }
  await moveMember(store.writing, { home, collection, name }, { home, collection, name: better }, current => {
    if (current !== undefined) throw new StoreError('exists', `${better} is there already`)
  })
}

/** Renames what the server does not serve, never over anything. @param from  octets, since it may be no UTF-8 */
export function renameByHand (from: string | Buffer, to: string): void {
  if (facts(to) !== undefined) throw new MendError(`${to} is there already: choose another name`)
  try {
    linkSync(from, to)
    unlinkSync(from)
  } catch (error) {
    // a directory, or a file system without links
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error
    renameSync(from, to)
  }
}
