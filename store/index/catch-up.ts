import { memberRow, updateMember, type MemberRow, type Place } from './update.js'

/** Comparisons let others work after this time (ms). */
export const slice = 12

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

/** Says once why a file is not served as it is. */
export function tellProblem ({ directory }: Place, before: MemberRow | undefined, after: MemberRow | undefined, report: (message: string) => void): void {
  if (after === undefined || after.problem === '' || after.problem === before?.problem) return
  report(`${directory}/${after.name} is not served as it is: ${after.problem}`)
}
