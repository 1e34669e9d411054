import path from 'node:path'
import t from 'tap'
import { run } from './run.js'
import { attributeNames, event, missing, namespaces, propfind, request, serve, strays, type Served } from './server.js'
import { roomFor } from './room.js'

const asked = propfind('D:resourcetype', 'D:displayname', 'A:calendar-color', 'A:calendar-order', 'C:calendar-description',
  'C:supported-calendar-component-set', 'CS:remark', 'D:getetag')

t.test('a copy without attributes, served afresh, shows the same', {
  skip: missing('cp', 'getfattr') || (process.env['CALDAVD_INTEROP_URL'] !== undefined && 'needs the data directory')
}, async t => {
  const directory = roomFor(t, { copy: {} })
  const original = await serve(t, path.join(directory, 'original'))
  const { home } = original
  await request(original, 'PROPFIND', home, asked, { depth: '1' })
  const make = async (name: string, properties: string): Promise<void> => {
    const { status, text } = await request(original, 'MKCALENDAR', `${home}${name}/`,
      `<C:mkcalendar ${namespaces}><D:set><D:prop>${properties}</D:prop></D:set></C:mkcalendar>`)
    t.equal(status, 201, `MKCALENDAR ${name}`, { text })
  }
  await make('work', `<D:displayname>Wörk &amp; more</D:displayname><A:calendar-color symbolic-color="custom">#FF2968FF</A:calendar-color>
    <A:calendar-order>3</A:calendar-order><C:calendar-description>What pays the rent</C:calendar-description>`)
  await make('errands', `<D:displayname>Errands</D:displayname><A:calendar-color>#44A703FF</A:calendar-color>
    <C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>`)
  t.equal((await request(original, 'MKCOL', `${home}drawer/`)).status, 201, 'MKCOL drawer')
  for (let n = 1; n <= 3; n++) {
    t.equal((await request(original, 'PUT', `${home}work/event-${n}.ics`, event(`copy-${n}@example.org`, `Event ${n}`, n))).status, 201)
  }
  t.equal((await request(original, 'PROPPATCH', `${home}work/event-2.ics`,
    `<D:propertyupdate ${namespaces}><D:set><D:prop><CS:remark>keep this</CS:remark></D:prop></D:set></D:propertyupdate>`)).status, 207)
  const before = { home: await responses(original, home), work: await responses(original, `${home}work/`) }
  t.match(before.home.join(), /Wörk &amp; more/)
  t.match(before.home.join(), /#FF2968FF/)
  t.match(before.work.join(), /keep this/)

  const data = path.join(directory, 'original')
  t.same(strays(data), [], 'only directories, .ics and .properties.json')
  const attributes = attributeNames(data).join('\n')
  for (const name of ['displayname', 'calendar-color', 'calendar-order', 'remark']) t.match(attributes, name, `getfattr shows ${name}`)

  await original.stop()
  const copy = path.join(directory, 'copy')
  t.equal((await run('cp', ['-r', path.join(data, 'documents'), copy])).code, 0)
  t.same(attributeNames(copy), [], 'cp -r left all attributes behind')

  const served = await serve(t, copy)
  t.same(await responses(served, home), before.home, 'the same calendars, names, colours')
  t.same(await responses(served, `${home}work/`), before.work, 'the same events, ETags and properties')
  t.match((await request(served, 'GET', `${home}work/event-1.ics`)).text, 'SUMMARY:Event 1')
  t.same(attributeNames(copy), attributes.split('\n'), 'and the attributes are back')
  t.same(strays(copy), [])
})

/** Each response of a PROPFIND Depth 1, in the order of their hrefs. */
async function responses (served: Served, target: string): Promise<string[]> {
  const { text } = await request(served, 'PROPFIND', target, asked, { depth: '1' })
  return (text.match(/<(?:[\w-]+:)?response[\s>][^]*?<\/(?:[\w-]+:)?response>/g) ?? []).sort()
}
