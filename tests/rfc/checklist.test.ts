import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

// docs/rfc.md: what it names is there

const page = readFileSync('docs/rfc.md', 'utf8')
const rows = page.split('\n').filter(line => line.startsWith('|') && !/^\|[-|]+$/.test(line)).map(line => line.slice(1, line.lastIndexOf('|')).split('|').map(cell => cell.trim()))
const clauses = rows.filter(cells => cells.length === 5 && cells[0] !== 'section')
const levels = ['MUST', 'MUST NOT', 'REQUIRED', 'SHOULD', 'SHOULD NOT', '']
const isPath = (name: string): boolean => /^(?:bin|conf|server|store|tests|twistedcompat)\//.test(name)

/** The paths in a cell: `server/a/{b,c}.ts`; a name alone lies beside the one before. */
function pathsIn (cell: string): string[] {
  let directory = ''
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, name = '']) => {
    if (!isPath(name) && !/^[\w-]+\.ts$/.test(name)) return []
    const path = isPath(name) ? name : directory + name
    directory = path.slice(0, path.lastIndexOf('/') + 1)
    const [, before = path, inner = '', after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? []
    return inner.split(',').map(each => before + each + after)
  })
}

t.test('every file that is named is there', async t => {
  const paths = new Set(rows.flatMap(cells => cells.flatMap(pathsIn)))
  t.ok(paths.size > 100, `${paths.size} files`)
  for (const path of paths) t.ok(existsSync(path), path)
})

t.test('every subtest that is named is in its file', async t => {
  let count = 0
  for (const [, path = '', name = ''] of page.matchAll(/`(tests\/[^`]+\.test\.ts)` "([^"]+)"/g)) {
    const source = readFileSync(path, 'utf8')
    t.ok([`'${name}'`, `"${name}"`, `\`${name}\``].some(title => source.includes(`test(${title}`)), `${path}: ${name}`)
    count++
  }
  t.ok(count > 100, `${count} subtests`)
})

t.test('every clause has a test, or the reason why not', async t => {
  t.ok(clauses.length > 150, `${clauses.length} clauses`)
  t.same(rows.filter(cells => cells.length !== 5 && cells.length !== 4), [], 'no row is torn')
  for (const [index, [section = '', clause = '', level = '', file = '', test = '']] of clauses.entries()) {
    const name = `${section} ${clause}`
    t.match(section, /^(?:RFC \d+ )?\d/, name)
    t.ok(levels.includes(level), `${name}: ${level}`)
    t.ok(test !== '', name)
    // what is kept by code names it, and how that is seen
    if (file !== '') t.ok(pathsIn(test).length > 0 || test.startsWith('same'), `${name}: ${test}`)
    if (test.startsWith('same')) t.ok((clauses[index - 1]?.[4] ?? '') !== '', name)
  }
})

t.test('every subtest of these files is the test of a clause', async t => {
  for (const rfc of ['4791', '6578', '7809', '7953', '8144']) {
    const path = `tests/rfc/${rfc}.test.ts`
    for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(/^t\.test\('([^']+)'/gm)) t.ok(page.includes(`\`${path}\` "${name}"`), `${path}: ${name}`)
  }
})
