import type { Large } from './large.js'
import { operations } from './operation.js'
import type { Results } from './series.js'
import { figure, markdown, megabytes, plain, times, type Table } from './table.js'

/** What a run found, ready to print. */
export interface Findings {
  /** Ours first, then the peers. */
  readonly servers: readonly string[]
  readonly sizes: readonly number[]
  readonly results: Results
  /** `server/size` → resident and peak bytes. */
  readonly memory: ReadonlyMap<string, { now: number, peak: number }>
  readonly large: Large | undefined
  /** Machine, versions, pace; a line each. */
  readonly facts: readonly string[]
}

/** The report for a terminal or as Markdown. */
export function report (findings: Findings, form: 'plain' | 'markdown'): string {
  const table = form === 'plain' ? plain : markdown
  const heading = (text: string): string => form === 'plain' ? `\n${text}\n\n` : `\n## ${text}\n\n`
  const item = (text: string): string => form === 'plain' ? `${text}\n` : `* ${text}\n`
  return [
    form === 'plain' ? '' : '# Benchmark\n\nWritten by `npm run bench`; see `bench/`.\n\n',
    ...findings.facts.map(item),
    heading('Medians in milliseconds, one connection'),
    table(medians(findings), 1),
    heading('Against the goals'),
    table(goals(findings), 1),
    heading('Each operation'),
    table(details(findings), 1),
    heading('Start and memory'),
    table(starts(findings), 1),
    ...(findings.large === undefined ? [] : [heading('100,000 events (caldavd)'), ...largeLines(findings.large).map(item)])
  ].join('')
}

const listings = ['first listing, restarted', 'first listing, index removed']

function rows ({ sizes }: Findings): { name: string, size: number }[] {
  return [...operations.map(({ name }) => name), ...listings].flatMap(name => sizes.map(size => ({ name, size })))
}

function medians (findings: Findings): Table {
  const { servers, results } = findings
  const head = ['operation', 'events', ...servers, 'better peer ÷ ours', 'goal', ...servers.map(server => `${server} growth`)]
  return [head, ...rows(findings).map(({ name, size }) => {
    const goal = operations.find(operation => operation.name === name)?.goal
    return [
      name, figureCount(size),
      ...servers.map(server => {
        const series = results.of(name, size, server)
        return series.failure === undefined ? figure(series.quantile(0.5)) : 'failed'
      }),
      times(ratio(findings, name, size)),
      goal === undefined ? '' : `${goal}×`,
      ...servers.map(server => times(growth(findings, name, size, server)))
    ]
  })]
}

/** How many times longer than at a tenth of the size. */
function growth ({ results }: Findings, name: string, size: number, server: string): number | undefined {
  const now = results.of(name, size, server).quantile(0.5)
  const before = results.of(name, size / 10, server).quantile(0.5)
  return now === undefined || before === undefined ? undefined : now / before
}

function ratio ({ servers: [ours = '', ...peers], results }: Findings, name: string, size: number): number | undefined {
  const own = results.of(name, size, ours).quantile(0.5)
  const others = peers.map(peer => results.of(name, size, peer)).filter(series => series.failure === undefined)
    .map(series => series.quantile(0.5)).filter(value => value !== undefined)
  return own === undefined || others.length === 0 ? undefined : Math.min(...others) / own
}

function goals (findings: Findings): Table {
  const { servers: [ours = ''], sizes, results, large } = findings
  const biggest = Math.max(...sizes)
  const median = (name: string, size: number): number | undefined => results.of(name, size, ours).quantile(0.5)
  const each = (value: number | undefined): number | undefined => value === undefined ? undefined : 1000 * value / biggest
  const judged = (name: string, goal: string, value: number | undefined, shown: string, met: boolean): string[] =>
    [name, goal, shown, value === undefined ? '-' : met ? 'met' : 'missed']
  const listing = each(median('PROPFIND Depth 1', biggest))
  const sync = median('sync-collection after one change', biggest)
  const index = median('first listing, index removed', biggest)
  return [
    ['goal', 'wanted', 'measured', ''],
    ...operations.flatMap(({ name, goal }) => goal === undefined ? [] : sizes.map(size => {
      const value = ratio(findings, name, size)
      return judged(`${name}, ${figureCount(size)} events`, `≥ ${goal}×`, value, times(value), (value ?? 0) >= goal)
    })),
    judged(`PROPFIND Depth 1 a member, ${figureCount(biggest)} events`, '≤ 10 µs', listing, `${figure(listing)} µs`, (listing ?? 99) <= 10),
    judged(`sync after one change, ${figureCount(biggest)} events`, '< 2 ms', sync, `${figure(sync)} ms`, (sync ?? 99) < 2),
    judged(`cold index, ${figureCount(biggest)} events`, '< 5 s', index, `${figure((index ?? NaN) / 1000)} s`, (index ?? 1e9) < 5000),
    ...(large === undefined ? [] : [
      judged('resident memory, 100,000 events indexed', '< 250 MB', large.resident, `${megabytes(large.resident)} MB`, large.resident < 250e6)
    ])
  ]
}

function details ({ servers, sizes, results }: Findings): Table {
  const head = ['operation', 'events', 'server', 'requests', 'requests/s', 'p50 ms', 'p99 ms', 'longest ms']
  return [head, ...operations.flatMap(({ name }) => sizes.flatMap(size => servers.map(server => {
    const series = results.of(name, size, server)
    const figures = series.failure === undefined
      ? [series.rate(), series.quantile(0.5), series.quantile(0.99), series.quantile(1)].map(figure)
      : ['failed', '-', '-', '-']
    return [name, figureCount(size), server, figureCount(series.sorted().length), ...figures]
  })))]
}

function starts ({ servers, sizes, results, memory }: Findings): Table {
  const head = ['server', 'events', 'start until ready ms', 'listing, restarted ms', 'longest GET during it',
    'listing, index removed ms', 'longest GET during it', 'resident MB', 'peak MB']
  return [head, ...servers.flatMap(server => sizes.map(size => {
    const of = (name: string, part: number): string => figure(results.of(name, size, server).quantile(part))
    const bytes = memory.get(`${server}/${size}`)
    return [server, figureCount(size), of('start until ready', 0.5),
      of('first listing, restarted', 0.5), of('GET during it, restarted', 1),
      of('first listing, index removed', 0.5), of('GET during it, index removed', 1),
      megabytes(bytes?.now), megabytes(bytes?.peak)]
  }))]
}

function largeLines (large: Large): string[] {
  return [
    `ten calendars of 10,000 indexed and listed from nothing: ${large.indexedSeconds.toFixed(1)} s`,
    `resident afterwards: ${megabytes(large.resident)} MB, peak ${megabytes(large.peak)} MB`,
    `resident after a restart with the index on disk and one calendar listed: ${megabytes(large.residentRestarted)} MB`
  ]
}

function figureCount (value: number): string {
  return value.toLocaleString('en-US')
}
