import { lstatSync, utimesSync, type Stats } from 'node:fs'
import { facts } from '../../../store/file.js'
import { shown, type Finding } from './finding.js'
import { checks } from './table.js'
import { clockSlack, type Ward } from './ward.js'

/** Files of one directory that are from the future, told as one: a clock that was wrong leaves many. */
export class Future {
  readonly #now: number
  readonly #paths: string[] = []
  #latest = 0

  constructor ({ now }: Pick<Ward, 'now'>) {
    this.#now = now
  }

  look (path: string, { mtimeMs, ctimeMs }: Stats): void {
    const latest = Math.max(mtimeMs, ctimeMs)
    if (latest <= this.#now + clockSlack) return
    this.#paths.push(path)
    this.#latest = Math.max(this.#latest, latest)
  }

  * findings (directory: string): Generator<Finding> {
    const [first] = this.#paths
    if (first === undefined) return
    const isOne = this.#paths.length === 1
    yield {
      check: 'future-file',
      path: shown(isOne ? first : directory),
      message: `${isOne ? 'it was' : `${this.#paths.length} files (${shown(first)} is one) were`} changed at ${new Date(this.#latest).toISOString()} or before, which has not come yet: the clock was wrong, or is`,
      fix: `${checks['future-file'].fix}; look at the clock first`,
      mend: () => { for (const path of this.#paths) renewTime(path) }
    }
  }
}

function renewTime (path: string): void {
  if (facts(path)?.isFile() !== true && facts(path)?.isDirectory() !== true) return
  const now = Date.now()
  const { mtimeMs } = lstatSync(path)
  // setting one of them renews the third, which no program can set
  utimesSync(path, now / 1000, Math.min(mtimeMs, now) / 1000)
}

/** Whether the clock can be right. @param built  ms since 1970, when this program was made */
export function * clock (now: number, built: number): Generator<Finding> {
  if (now >= built - clockSlack) return
  yield {
    check: 'clock',
    path: '/',
    message: `the clock says ${new Date(now).toISOString()}, and this program is of ${new Date(built).toISOString()}`,
    hand: 'set the clock, and let it be kept right (timedatectl set-ntp true)'
  }
}
