import { setAttributeSync } from 'fs-xattr'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Home } from '../../store/home.js'
import { setProperties } from '../../store/property.js'
import { copyCollection, makeCollection } from '../../store/tree.js'
import { Watcher } from '../../store/watch.js'
import { deleteMember, writeMember } from '../../store/write.js'
import { hand, object, shelf, shell, until, type Shelf } from './shelf.js'

const any = () => {}
/** Everything that happens must be in the index within this time (ms). */
const soon = 1000

/** The names in the index, with nobody asking for a comparison. */
function known (home: Home, path = 'work'): string {
  const id = idOf(home, path)
  return home.index.all<{ name: string }>("SELECT name FROM member WHERE collection = ? AND etag <> '' ORDER BY name", id ?? -1).map(({ name }) => name).join(' ')
}

function uidOf (home: Home, name: string, path = 'work'): string | undefined {
  return home.index.get<{ uid: string }>('SELECT uid FROM member WHERE collection = ? AND name = ?', idOf(home, path) ?? -1, name)?.uid
}

async function watched (t: Parameters<typeof shelf>[0]): Promise<Shelf> {
  const shelved = shelf(t)
  for (const name of ['a.ics', 'b.ics', 'c.ics']) hand(`${shelved.directory}/${name}`, object(name))
  await shelved.store.start()
  await until(() => known(shelved.home) === 'a.ics b.ics c.ics')
  return shelved
}

t.test('whatever the tool, the index follows within a second', async t => {
  const shelved = await watched(t)
  const { home, directory, documents } = shelved
  const steps: [string, () => void, () => boolean][] = [
    ['echo > new', () => { shell(directory, 'printf "uid d\\n" > d.ics') }, () => known(home) === 'a.ics b.ics c.ics d.ics'],
    ['echo >>, in place', () => { shell(directory, 'printf "uid d\\nmore\\n" >> d.ics') }, () => home.index.get<{ size: number }>("SELECT size FROM member WHERE name = 'd.ics'")?.size === 17],
    ['a second later, the same size', () => { shell(directory, 'printf "uid 7\\nuid 7\\nmore\\n" > d.ics') }, () => uidOf(home, 'd.ics') === '7'],
    ['sed -i', () => { shell(directory, "sed -i 's/uid 7/uid sed/' d.ics") }, () => uidOf(home, 'd.ics') === 'sed'],
    ['an editor that renames the old file and writes a new one', () => {
      renameSync(`${directory}/d.ics`, `${directory}/d.ics~`)
      writeFileSync(`${directory}/d.ics`, object('vim'))
      rmSync(`${directory}/d.ics~`)
    }, () => uidOf(home, 'd.ics') === 'vim'],
    ['an editor that writes beside and renames', () => {
      writeFileSync(`${directory}/.d.ics.swp`, object('emacs'))
      renameSync(`${directory}/.d.ics.swp`, `${directory}/d.ics`)
    }, () => uidOf(home, 'd.ics') === 'emacs'],
    ['cp', () => { shell(directory, 'cp a.ics e.ics && cp -p a.ics f.ics') }, () => known(home) === 'a.ics b.ics c.ics d.ics e.ics f.ics'],
    ['mv within', () => { shell(directory, 'mv e.ics g.ics') }, () => known(home) === 'a.ics b.ics c.ics d.ics f.ics g.ics'],
    ['mv over', () => { shell(directory, 'mv b.ics f.ics') }, () => known(home) === 'a.ics c.ics d.ics f.ics g.ics' && uidOf(home, 'f.ics') === 'b.ics'],
    ['mv out and in', () => { shell(directory, 'mv g.ics ../../g && mv ../../g h.ics') }, () => known(home) === 'a.ics c.ics d.ics f.ics h.ics'],
    ['rm', () => { shell(directory, 'rm h.ics f.ics') }, () => known(home) === 'a.ics c.ics d.ics'],
    ['ln', () => { shell(directory, 'ln a.ics hard.ics && ln -s a.ics soft.ics') }, () => known(home) === 'a.ics c.ics d.ics hard.ics'],
    ['touch and chmod change nothing', () => { shell(directory, 'rm hard.ics soft.ics; touch a.ics; chmod 600 a.ics') }, () => known(home) === 'a.ics c.ics d.ics'],
    ['mkdir with files', () => { shell(documents, 'mkdir alice/new && cp alice/work/*.ics alice/new/') }, () => known(home, 'new') === 'a.ics c.ics d.ics'],
    ['a file in a directory that was made before', () => { hand(`${documents}/alice/new/x.ics`, object('x')) }, () => known(home, 'new') === 'a.ics c.ics d.ics x.ics'],
    ['an edit in a directory that was made before', () => { shell(documents, 'printf "uid 0\\n" > alice/new/x.ics') }, () => uidOf(home, 'x.ics', 'new') === '0'],
    ['mv of a directory', () => { shell(documents, 'mv alice/new alice/renamed') }, () => known(home, 'renamed') === 'a.ics c.ics d.ics x.ics' && known(home, 'new') === ''],
    ['an edit in a directory that was renamed', () => { shell(documents, 'printf "uid 1\\n" > alice/renamed/x.ics') }, () => uidOf(home, 'x.ics', 'renamed') === '1'],
    ['cp -r', () => { shell(documents, 'cp -r alice/renamed alice/copied') }, () => known(home, 'copied') === 'a.ics c.ics d.ics x.ics'],
    ['rm -r', () => { shell(documents, 'rm -r alice/copied') }, () => known(home, 'copied') === ''],
    ['the same name again', () => { hand(`${documents}/alice/copied/y.ics`, object('y')) }, () => known(home, 'copied') === 'y.ics'],
    ['an edit there', () => { hand(`${documents}/alice/copied/y.ics`, object('y2')) }, () => uidOf(home, 'y.ics', 'copied') === 'y2'],
    ['a tree from elsewhere', () => { cpSync(`${documents}/alice/renamed`, `${documents}/alice/tree`, { recursive: true }) }, () => known(home, 'tree') === 'a.ics c.ics d.ics x.ics']
  ]
  for (const [what, act, holds] of steps) {
    act()
    const took = await until(holds, soon)
    t.ok(took < soon, `${what}: ${took === Infinity ? `not seen (${known(home)})` : `${Math.round(took)} ms`}`)
  }
  t.same(shelved.told.filter(line => !line.includes(' has the UID of ')), [], 'but for copies that share a UID nothing is wrong')
})

t.test('rsync and git', async t => {
  const { home, directory, documents } = await watched(t)
  const missing = (command: string) => {
    try {
      shell('/', `command -v ${command}`)
      return false
    } catch {
      return true
    }
  }
  if (!missing('rsync')) {
    for (let number = 0; number < 50; number++) hand(`${documents}/source/work/r${number}.ics`, object(`r${number}`))
    shell(documents, 'rsync -a source/ alice/')
    t.ok(await until(() => known(home).split(' ').length === 53, soon) < soon, 'rsync -a')
    hand(`${documents}/source/work/r7.ics`, object('changed'))
    shell(documents, 'rsync -a --delete source/ alice/')
    t.ok(await until(() => known(home).split(' ').length === 50 && uidOf(home, 'r7.ics') === 'changed', soon) < soon, 'rsync -a --delete')
  }
  if (!missing('git')) {
    const git = (line: string) => shell(directory, `git -c user.name=x -c user.email=x@example.com ${line}`)
    git('init -q -b main . && git add -A && git -c user.name=x -c user.email=x@example.com commit -q -m one')
    shell(directory, 'rm -f *.ics; printf "uid g\\n" > g.ics')
    git('add -A')
    git('commit -q -m two')
    t.ok(await until(() => known(home) === 'g.ics', soon) < soon)
    const before = shell(directory, 'git show --name-only --format= HEAD~1').trim().split('\n').filter(name => name.endsWith('.ics')).sort().join(' ')
    git('checkout -q HEAD~1')
    t.ok(await until(() => known(home) === before, soon) < soon, 'git checkout')
    git('checkout -q main')
    t.ok(await until(() => known(home) === 'g.ics', soon) < soon, 'and back')
  }
})

t.test('a thousand files at once', async t => {
  const { home, directory } = await watched(t)
  for (let number = 0; number < 1000; number++) writeFileSync(`${directory}/n${number}.ics`, object(String(number)))
  const took = await until(() => known(home).split(' ').length === 1003, 3000)
  t.ok(took < soon, `${Math.round(took)} ms`)
  rmSync(directory, { recursive: true })
  t.ok(await until(() => known(home) === '', 3000) < soon)
})

t.test('what is not ours wakes nobody; a home that is new is followed', async t => {
  const { home, store, documents, changes, directory } = await watched(t)
  await sleep(100)
  changes.length = 0
  hand(`${directory}/.hidden.ics`, object('x'))
  hand(`${directory}/a.ics~`, object('x'))
  hand(`${documents}/.drafts/.tmp-x`, 'x')
  symlinkSync('a.ics', `${directory}/link.ics`)
  shell(directory, 'mkfifo pipe.ics')
  await sleep(150)
  t.same(changes, [])
  hand(`${documents}/bob/work/x.ics`, object('x'))
  const bob = await (async () => {
    await until(() => store.home(['bob']) !== undefined, soon)
    return store.home(['bob'])
  })()
  if (bob === undefined) return t.fail('no home')
  t.ok(await until(() => known(bob) === 'x.ics', soon) < soon, known(bob))
  hand(`${documents}/bob/work/x.ics`, object('y'))
  t.ok(await until(() => uidOf(bob, 'x.ics') === 'y', soon) < soon)
  renameSync(`${documents}/bob`, `${documents}/robert`)
  t.ok(await until(() => known(bob) === '', soon) < soon, 'a home that goes')
  t.equal(known(home), 'a.ics b.ics c.ics')
})

t.test('our own writes cause no comparison of the whole directory', async t => {
  const { home, store, work } = await watched(t)
  await sleep(100)
  await home.fresh(work)
  home.index.run(`UPDATE member SET stamp = 'none', etag = '"planted"' WHERE name = 'a.ics'`)
  const planted = () => home.index.get<{ etag: string }>("SELECT etag FROM member WHERE name = 'a.ics'") ?? { etag: '' }
  for (let number = 0; number < 5; number++) {
    await writeMember(store.writing, home, work, `own${number}.ics`, { bytes: object(String(number)) }, any)
    t.equal(home.isFresh(work), true, 'at once')
  }
  await deleteMember(store.writing, home, work, 'own0.ics', any)
  await sleep(200)
  t.equal(home.isFresh(work), true)
  t.equal(known(home), 'a.ics b.ics c.ics own1.ics own2.ics own3.ics own4.ics')
  t.equal(planted().etag, '"planted"', 'a comparison would have looked at a.ics')
  home.suspect('work', undefined)
  await home.fresh(work)
  t.not(planted().etag, '"planted"', 'as this one does')
})

t.test('collections that we make ourselves are followed too', async t => {
  const { home, store, work, documents } = await watched(t)
  await makeCollection(store.writing, home, 'made', new Map())
  hand(`${documents}/alice/made/x.ics`, object('x'))
  t.ok(await until(() => known(home, 'made') === 'x.ics', soon) < soon)
  hand(`${documents}/alice/made/x.ics`, object('y'))
  t.ok(await until(() => uidOf(home, 'x.ics', 'made') === 'y', soon) < soon, 'made')
  await copyCollection(store.writing, home, work, home, 'copy', { members: true })
  shell(documents, 'printf "uid 0\\n" > alice/copy/a.ics')
  t.ok(await until(() => uidOf(home, 'a.ics', 'copy') === '0', soon) < soon, 'copied')
})

t.test('attributes that are set by other tools reach the sidecar', async t => {
  const { directory, store, home } = await watched(t)
  await setProperties(directory, '', new Map([['{DAV:}displayname', '<displayname xmlns="DAV:">Work</displayname>']]))
  let heard = 0
  store.on('change', () => { heard++ })
  setAttributeSync(`${directory}/a.ics`, 'user.{DAV:}note', Buffer.from('<note xmlns="DAV:">x</note>'))
  t.ok(await until(() => readFileSync(`${directory}/.properties.json`, 'utf8').includes('"a.ics"'), soon) < soon, 'of a file')
  setAttributeSync(directory, 'user.{DAV:}displayname', Buffer.from('<displayname xmlns="DAV:">By hand</displayname>'))
  t.ok(await until(() => readFileSync(`${directory}/.properties.json`, 'utf8').includes('By hand'), soon) < soon, 'of the directory')
  t.ok(heard > 0)
  t.equal(known(home), 'a.ics b.ics c.ics')
})

t.test('a watcher alone: notices, and silence after the end', async t => {
  const root = t.testdir({ home: { work: {} } })
  const heard: string[] = []
  const trouble: string[] = []
  const watcher = new Watcher(root, 1, { notice: (directory, names) => { for (const name of names ?? ['*']) heard.push(`${directory}: ${name}`) }, missed: () => { heard.push('missed') }, trouble: message => { trouble.push(message) } })
  await watcher.ready
  watcher.follow(`${root}/home/work`, 1)
  watcher.follow(`${root}/home/work`, 1)
  watcher.follow(`${root}/missing`, 2)
  hand(`${root}/home/work/a.ics`, 'x')
  t.ok(await until(() => heard.includes('home/work: a.ics')) < soon)
  // as `rm -r work; cp -r backup work`: the file system gives the inode again, and nobody can tell the directories apart
  rmSync(`${root}/home/work`, { recursive: true })
  mkdirSync(`${root}/home/work`)
  watcher.follow(`${root}/home/work`, 1)
  t.ok(await until(() => heard.includes('home/work: *')) < soon)
  hand(`${root}/home/work/again.ics`, 'x')
  t.ok(await until(() => heard.includes('home/work: again.ics')) < soon, 'another directory with the inode of one that is gone')
  mkdirSync(`${root}/other`)
  t.ok(await until(() => heard.includes('other: *') && heard.includes(': other')) < soon)
  await watcher.close()
  heard.length = 0
  watcher.follow(`${root}/home`, 3)
  hand(`${root}/home/work/b.ics`, 'x')
  rmSync(`${root}/other`, { recursive: true })
  await sleep(100)
  t.same(heard, [])
  t.same(trouble, [])
})

/** The index number of a collection, also of one that is gone. */
function idOf (home: Home, path: string): number | undefined {
  return home.index.get<{ id: number }>('SELECT id FROM collection WHERE path = ?', path)?.id
}
