import { isHeld } from '../rollback.js'
import { withUid } from './search.js'
import { memberRow, updateMember, type MemberRow, type Place } from './update.js'

/** Updates names from the end of the list until it is empty or the time (performance.now) is over. */
export function updateUntil (place: Place, names: string[], until: number, report: (message: string) => void): boolean {
  let changed = false
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const before = memberRow(place, name)
    changed = updateMember(place, name) || changed
    tellProblem(place, before, memberRow(place, name), report)
    if (performance.now() > until) break
  }
  return changed
}

/** Says once why a file is not served as it is, and that two files have one UID, which makes some clients give up on the whole calendar. */
export function tellProblem ({ directory, index, collection }: Place, before: MemberRow | undefined, after: MemberRow | undefined, report: (message: string) => void): void {
  if (after !== undefined && after.uid !== '' && after.uid !== before?.uid) {
    const other = withUid(index, collection, after.uid, after.name)
    if (other !== undefined) report(`${directory}/${after.name} has the UID of ${other}: some clients then refuse the whole calendar; give one of them another UID, or remove it`)
  }
  // what is held is told of in one line when all has been compared
  if (after === undefined || after.problem === '' || after.problem === before?.problem || isHeld(after.problem)) return
  report(`${directory}/${after.name} is not served as it is: ${after.problem}`)
}
