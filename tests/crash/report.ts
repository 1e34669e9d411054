import type { Tally } from './tally.js'

/** What was done, as tables in Markdown. @param seconds  that it took */
export function reportOf (tally: Tally, seconds: number): string {
  const section = (title: string, beginning: string, what: string): string[] => {
    const rows = [...tally.counts].filter(([name]) => name.startsWith(beginning)).sort(([a], [b]) => a < b ? -1 : 1)
    if (rows.length === 0) return []
    return [`| ${title} | ${what} |`, '|---|---:|', ...rows.map(([name, number]) => `| ${name.slice(beginning.length)} | ${number.toLocaleString('en')} |`),
      ...beginning === 'calls: ' ? [] : [`| *all* | ${tally.sum(beginning).toLocaleString('en')} |`], '']
  }
  return [
    `${tally.sum('kills: ').toLocaleString('en')} kills, ${tally.sum('faults: ').toLocaleString('en')} injected faults, ${tally.of('acknowledged writes').toLocaleString('en')} acknowledged writes, ${Math.round(seconds / 60)} minutes. ` +
    `Nothing was lost. Sync tokens from before a crash that were refused: ${tally.of('sync tokens refused').toLocaleString('en')}.`,
    '',
    ...section('killed', 'kills: ', 'times'),
    ...section('fault', 'faults: ', 'times'),
    ...section('answer to a request with a fault', 'answers: ', 'times'),
    ...section('operation', 'calls: ', 'calls that write')
  ].join('\n')
}
