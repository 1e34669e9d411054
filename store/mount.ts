import { readFileSync, realpathSync } from 'node:fs'

/** Mount points are looked up again after so long (ms). */
const lasting = 1000

let points: readonly string[] = []
let readAt = -Infinity

/** The places where file systems are mounted, longest first; none where the system does not tell (Linux does: proc(5), mountinfo). */
function mountPoints (isNew: boolean): readonly string[] {
  if (!isNew && performance.now() < readAt + lasting) return points
  readAt = performance.now()
  try {
    points = pointsIn(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch {
    points = []
  }
  return points
}

/** Something was mounted or unmounted: they are looked up at once. */
export function forgetMounts (): void {
  readAt = -Infinity
}

/** The mount points in the text of mountinfo, longest first. */
export function pointsIn (text: string): string[] {
  const found = text.split('\n').flatMap(line => line === '' ? [] : [(line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))])
  return [...new Set(found)].sort((a, b) => b.length - a.length)
}

/**
 * Where the file system is mounted that holds a file or directory. What is mounted twice is one device, and nothing can be renamed from
 * one mount point to the other.
 * @param path   absolute; what is not there is looked for where it would be
 * @param isNew  also what was mounted in the last second counts
 * @returns '' where the system does not tell
 */
export function mountOf (path: string, isNew = false): string {
  const all = mountPoints(isNew)
  if (all.length === 0) return ''
  const real = realPath(path)
  return all.find(point => point === '/' || real === point || real.startsWith(`${point}/`)) ?? ''
}

function realPath (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const cut = path.lastIndexOf('/')
    return cut <= 0 ? path : realPath(path.slice(0, cut)) + path.slice(cut)
  }
}
