import { Store } from '../../store/store.js'
import { makeCollection, moveCollection } from '../../store/tree.js'
import { writeMember } from '../../store/write.js'
import { describe, holdsObjects, object } from './shelf.js'

// Writes until it is killed: bodies whose every line says the same number, and a collection that goes to and fro.
const [, , root] = process.argv
if (root === undefined) process.exit(0)
const store = new Store({ documents: `${root}/documents`, state: `${root}/state`, durable: true, sweepSeconds: 0, describe, holdsObjects, homeDepth: 1, report: message => { console.error(message) } })
const home = store.home(['alice']) ?? store.makeHome(['alice'])
const work = home.collection('work') ?? await makeCollection(store.writing, home, 'work', new Map())
let moving = home.collection('here') ?? home.collection('there') ?? await makeCollection(store.writing, home, 'here', new Map([['{DAV:}displayname', '<displayname xmlns="DAV:">Moving</displayname>']]))
console.log('writing')
for (let number = 0; ; number++) {
  const bytes = object('a', `${number}\n`.repeat(2000))
  await Promise.all(['a.ics', 'b.ics', `new${number % 50}.ics`].map(async name => await writeMember(store.writing, home, work, name, { bytes }, () => {})))
  moving = await moveCollection(store.writing, home, moving, home, moving.path === 'here' ? 'there' : 'here')
}
