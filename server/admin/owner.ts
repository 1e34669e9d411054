import { statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Runs work that writes below a path as the owner of that path, when root asks for it: what root made the server could not
 * read or change. Others do it as themselves. Concerns the whole process; one at a time.
 * @param path  absolute; of what is not there the directory above counts
 */
export async function asOwner<T> (path: string, work: () => Promise<T>): Promise<T> {
  const { geteuid, getegid, getgroups, seteuid, setegid, setgroups } = process
  const owner = geteuid?.() === 0 ? ownerOf(path) : undefined
  if (owner === undefined || owner.uid === 0 || seteuid === undefined || setegid === undefined) return await work()
  const [group, groups] = [getegid?.() ?? 0, getgroups?.() ?? []]
  // what root's groups may read is no matter of the owner
  setgroups?.([owner.gid])
  setegid(owner.gid)
  seteuid(owner.uid)
  try {
    return await work()
  } finally {
    seteuid(0)
    setegid(group)
    setgroups?.(groups)
  }
}

/**
 * Inside of `asOwner`: does something as who started the program, such as to open a file of hers. Synchronous, and nothing that
 * writes for the owner may be under way.
 */
export function asCaller<T> (work: () => T): T {
  const { getuid, geteuid, getegid, getgid, seteuid, setegid } = process
  const [euid, egid] = [geteuid?.() ?? 0, getegid?.() ?? 0]
  if (getuid?.() !== 0 || euid === 0 || seteuid === undefined || setegid === undefined) return work()
  seteuid(0)
  setegid(getgid?.() ?? 0)
  try {
    return work()
  } finally {
    setegid(egid)
    seteuid(euid)
  }
}

function ownerOf (path: string): { readonly uid: number, readonly gid: number } {
  return statSync(path, { throwIfNoEntry: false }) ?? ownerOf(dirname(path))
}
