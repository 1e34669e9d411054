import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { settingsTable } from '../conf/settings.js'
import { table } from '../server/property/table.js'

/** What docs/ says of the tables, printed from them. UPDATE_DOCS=1 writes the files anew. */
const pages: Readonly<Record<string, () => string>> = {
  'docs/settings.md': () => `# Settings\n\nIn \`conf/caldavd.toml\` of the data directory or the file of \`--config\`; the environment goes before the file, flags before both.\n\n${settingsTable()}`,
  'docs/properties.md': () => `# Properties\n\nEvery property the server knows. *Kept*: stored as clients set it. Whatever is not here is a dead property: kept as it came.\n\n| property | on | kept | clients may set it |\n|---|---|---|---|\n${table.map(row =>
    `| \`${row.name}\` | ${row.on.join(', ')} | ${row.stored === true ? 'yes' : ''} | ${row.settable ?? (row.stored === true ? 'always' : 'never')} |`).join('\n')}\n`
}

for (const [path, print] of Object.entries(pages)) {
  t.test(`${path} says what the table says (UPDATE_DOCS=1 writes it)`, async t => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, print())
    t.equal(existsSync(path) ? readFileSync(path, 'utf8') : '', print())
  })
}

t.test('the README names every page that there is, and no other', async t => {
  const readme = readFileSync('README.md', 'utf8')
  for (const [, path] of readme.matchAll(/\]\(([^)#]+)\)/g)) t.ok(existsSync(path ?? ''), `${path ?? ''} exists`)
  t.ok(readme.split('\n').length < 90, 'the README is one page')
})
