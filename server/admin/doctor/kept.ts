import { lstatSync, opendirSync } from 'node:fs'
import { codeOf } from '../../../store/error.js'
import { facts } from '../../../store/file.js'
import { days } from '../../../store/history/list.js'
import type { Finding } from './finding.js'
import { size } from './space.js'
import { checks } from './table.js'
import type { Ward } from './ward.js'

/** What lies below a directory. */
export interface Weight {
  readonly bytes: number
  readonly files: number
  /** There was no time to look at all of it. */
  readonly isPart: boolean
}

/** The bytes of all files below a directory. @param until  of performance.now: who is slower says what there is until then */
export function weigh (directory: string, until = Infinity): Weight {
  let [bytes, files] = [0, 0]
  const open = [directory]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    try {
      const handle = opendirSync(next)
      try {
        for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
          if (performance.now() > until) return { bytes, files, isPart: true }
          if (entry.isDirectory()) open.push(`${next}/${entry.name}`)
          else {
            bytes += lstatSync(`${next}/${entry.name}`, { throwIfNoEntry: false })?.size ?? 0
            files++
          }
        }
      } finally {
        handle.closeSync()
      }
    } catch (error) {
      if (codeOf(error) === undefined) throw error
    }
  }
  return { bytes, files, isPart: false }
}

/** The server tidies up every hour: so much more may be there meanwhile. */
const slack = 1.1
const dayLength = 24 * 60 * 60 * 1000

/** Whether former versions are kept, and no more of them than the settings say. */
export function * kept ({ settings, documents, now }: Ward): Generator<Finding> {
  const { directory, days: most, bytes: limit } = settings.history
  if (most === 0) {
    yield { check: 'no-history', path: directory, message: 'history.days is 0: what is overwritten or deleted is gone at once, and doctor --fix changes no file', hand: 'set history.days, when that is not meant' }
    return
  }
  const stats = facts(directory)
  if (stats === undefined) return
  if (stats.dev !== facts(documents)?.dev) {
    yield { check: 'history-elsewhere', path: directory, message: `it is on another file system than ${documents}: each version is copied, where a link would do`, hand: 'put history.directory on the file system of the documents, when there is room' }
  }
  const { bytes } = limit === 0 ? { bytes: 0 } : weigh(directory)
  const oldest = days(directory).at(-1)
  const isOld = oldest !== undefined && Date.parse(oldest) < now - (most + 2) * dayLength
  if (!isOld && bytes <= slack * limit) return
  yield {
    check: 'history-limit',
    path: directory,
    message: isOld ? `it has versions of ${oldest}, and they are kept for ${most} days` : `it takes ${size(bytes)}, and may take ${size(limit)} (history.bytes)`,
    fix: checks['history-limit'].fix,
    mend: async store => { await store.writing.history.tidy() }
  }
}
