import { isIncomplete, type Outcome, type Result } from '../admin/restore/outcome.js'

/** What became of a backup, for people: a line for each calendar, and what needs a look below it. */
export function told ({ collections, leftOut }: Result, isDryRun: boolean): string {
  const lines = collections.filter(one => one.state !== 'there' || summary(one, isDryRun) !== '').flatMap(one => [`${one.path}: ${head(one, isDryRun)}`, ...details(one).map(line => `  ${line}`)])
  const out = leftOut.map(({ home, problem }) => `${home}: left out, ${problem}`)
  const isChanged = collections.some(one => one.state === 'made' || one.properties || [one.held, one.broughtBack, one.replaced, one.mended].some(({ length }) => length > 0))
  const last = isDryRun
    ? isChanged ? 'Nothing was written (--dry-run)' : 'There is nothing to bring back'
    : collections.some(({ replaced }) => replaced.length > 0) ? 'What was replaced is in the history: caldavd history PATH' : isChanged || isIncomplete({ collections, leftOut }) ? undefined : 'Nothing had to be brought back'
  return [...lines, ...out, ...last === undefined ? [] : [last]].join('\n') + '\n'
}

const names = (some: readonly string[]): string => `${some.slice(0, 10).join(', ')}${some.length > 10 ? ` and ${some.length - 10} more` : ''}`
const files = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`
const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'

function head (one: Outcome, isDryRun: boolean): string {
  if (one.state === 'deleted') return `was deleted here on ${day(one.deletedAt ?? 0)}, since the backup, and stays deleted; --deleted brings it back`
  if (one.state === 'moved') return `is not made again, all its events lie elsewhere: ${names([...new Set(one.moved.map(({ to }) => to))])}`
  const made = one.state !== 'made' ? '' : isDryRun ? 'to be made again' : 'made again'
  return [made, summary(one, isDryRun)].filter(part => part !== '').join(', ')
}

function summary (one: Outcome, isDryRun: boolean): string {
  const parts: readonly (readonly [number, string, string])[] = [
    [one.held.length, 'written to the disk as they are served', 'to be written to the disk as they are served'],
    [one.broughtBack.length, 'brought back', 'to bring back'],
    [one.replaced.length, 'replaced by newer ones of the backup', 'to replace by newer ones of the backup'],
    [one.mended.length, 'broken here and mended', 'broken here, to mend'],
    [one.same, 'the same', 'the same'],
    [one.kept.length, 'kept because newer here', 'kept because newer here'],
    [one.moved.length, 'moved to another calendar', 'moved to another calendar'],
    [one.deleted.length, 'deleted here since the backup', 'deleted here since the backup'],
    [one.unreadable.length, 'of the backup cannot be used', 'of the backup cannot be used'],
    [one.failed.length, 'could not be written', 'could not be written']
  ]
  const said = parts.filter(([count]) => count > 0).map(([count, done, planned]) => `${count} ${isDryRun ? planned : done}`)
  if (one.properties) said.unshift(isDryRun ? 'name, colour and access to be set again' : 'name, colour and access set again')
  return said.join(', ')
}

function details (one: Outcome): string[] {
  if (one.state === 'deleted') return []
  return [
    ...one.fromHistory.length === 0 ? [] : [`from the history, where they are newer than in the backup: ${names(one.fromHistory)}`],
    ...one.renamed.map(({ name, as }) => `${name} is now ${as}, because another event has its name`),
    ...one.state === 'moved' ? [] : one.moved.slice(0, 10).map(({ name, to }) => `${name} lies in ${to} now`),
    ...one.deleted.length === 0 ? [] : [`deleted since, and left so: ${names(one.deleted.map(({ name, at }) => `${name} (${day(at)})`))}; --deleted brings ${one.deleted.length === 1 ? 'it' : 'them'} back`],
    ...one.unreadable.slice(0, 20).map(({ name, problem, isMissing }) => `${name} of the backup: ${problem}${isMissing ? '; it is not here either' : ''}`),
    ...one.unreadable.length > 20 ? [`and ${files(one.unreadable.length - 20)} more that cannot be used; --json lists all`] : [],
    ...one.failed.map(({ name, problem }) => `${name === '' ? 'the directory' : name}: ${problem}`)
  ]
}

/** What became of what was held, for people. */
export function toldHeld (collections: readonly Outcome[], what: 'bring back' | 'let go', isDryRun: boolean): string {
  if (collections.length === 0) return 'Nothing is held: what is served is what lies on the disk\n'
  const [done, planned] = what === 'bring back' ? ['written to the disk as they are served', 'to be written to the disk'] : ['let go; they are in the history', 'to let go']
  return [
    ...collections.map(({ path, held }) => `${path}: ${held.length} ${isDryRun ? planned : done}: ${names(held)}`),
    ...isDryRun ? ['Nothing was written (--dry-run)'] : []
  ].join('\n') + '\n'
}
