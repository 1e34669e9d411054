import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { run } from './run.js'
import { account, attributeNames, event, missing, names, propfind, request, serve, strays } from './server.js'
import { roomFor } from './room.js'

t.test('cadaver works in a plain collection of the home', { skip: missing('cadaver', 'getfattr') }, async t => {
  const first = event('first@example.org', 'First')
  const directory = roomFor(t, { 'first.ics': first, '.netrc': `machine 127.0.0.1 login ${account.user} password ${account.password}\n` })
  mkdirSync(path.join(directory, 'down'))
  const served = await serve(t, path.join(directory, 'data'))
  const cadaver = async (...commands: string[]): Promise<string> => {
    // The rc file is run before the prompt comes; -t is not given: the home must look like WebDAV
    const { printed } = await run('cadaver', [`${served.url}${served.home}`], {
      cwd: directory, environment: { HOME: directory, TERM: 'dumb' }, input: [...commands, 'quit', ''].join('\n')
    })
    return printed
  }
  const listing = async (collection: string): Promise<string[]> =>
    names(await request(served, 'PROPFIND', served.home + collection, propfind('D:resourcetype'), { depth: '1' })).slice(1).sort()

  await t.test('mkcol, put, ls, get', async t => {
    const printed = await cadaver('mkcol drawer', 'cd drawer', 'put first.ics', 'put first.ics "second name.ics"', 'ls', 'get first.ics down/got.ics')
    t.match(printed, /Creating `drawer':.*succeeded/)
    t.match(printed, /Uploading first\.ics.*\n?.*succeeded/)
    t.match(printed, /Listing collection `[^']*drawer\/': succeeded/)
    t.match(printed, /^\s+first\.ics\s+\d+/m, 'ls shows it with its size')
    t.notMatch(printed, /failed/)
    t.equal(readFileSync(path.join(directory, 'down', 'got.ics'), 'utf8'), first, 'the same bytes come back')
    t.same(await listing('drawer/'), ['first.ics', 'second name.ics'])
    t.notMatch((await request(served, 'PROPFIND', `${served.home}drawer/`, propfind('D:resourcetype'), { depth: '0' })).text,
      /<(?:[\w-]+:)?calendar[\s/>]/, 'a plain collection is no calendar')
  })

  await t.test('propset, propget, and the property goes with copy and move', async t => {
    const printed = await cadaver('cd drawer', 'propset first.ics remark seen', 'propget first.ics remark',
      'copy first.ics second.ics', 'move second.ics third.ics', 'propget third.ics remark')
    t.match(printed, /Setting property on `first\.ics': succeeded/)
    t.equal(printed.match(/Value of remark is: seen/g)?.length, 2, 'before and after', { printed })
    t.notMatch(printed, /failed/)
    const left = await listing('drawer/')
    t.ok(left.includes('third.ics') && left.includes('first.ics') && !left.includes('second.ics'), 'copied, then moved', { left })
  })

  await t.test('the collection can be copied, moved and deleted', async t => {
    const printed = await cadaver('copy drawer/ cupboard/', 'move cupboard/ attic/', 'ls attic')
    t.notMatch(printed, /failed/)
    t.same(await listing('attic/'), await listing('drawer/'))
    t.equal((await request(served, 'PROPFIND', `${served.home}cupboard/`, propfind('D:resourcetype'), { depth: '0' })).status, 404)
    const gone = await cadaver('delete attic/third.ics', 'rmcol attic', 'cat drawer/first.ics')
    t.notMatch(gone, /failed/)
    t.match(gone, 'SUMMARY:First')
    t.equal((await request(served, 'PROPFIND', `${served.home}attic/`, propfind('D:resourcetype'), { depth: '0' })).status, 404)
    t.equal((await request(served, 'GET', `${served.home}drawer/first.ics`)).status, 200)
  })

  await t.test('on disk it is plain files', { skip: served.data === undefined }, async t => {
    const data = served.data ?? ''
    t.same(strays(data), [])
    t.match(attributeNames(data).join(), 'remark', 'the attributes have readable names')
  })
})
