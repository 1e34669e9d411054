import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Turns } from '../../../server/http/turns.js'

/** What a turn looks at of an answer. */
class Answer extends EventEmitter {
  destroyed = false
  writableEnded = false
}

t.test('one user has some answers at a time, others theirs', async t => {
  const turns = new Turns()
  const take = (who: string, answer = new Answer()): { answer: Answer, has: () => boolean, refused: () => string } => {
    let [has, refused] = [false, '']
    turns.take(who, answer as unknown as ServerResponse).then(() => { has = true }, (error: Error) => { refused = error.message })
    return { answer, has: () => has, refused: () => refused }
  }
  const first = Array.from({ length: 16 }, () => take('alice'))
  const later = Array.from({ length: 200 }, () => take('alice'))
  const tooMany = take('alice')
  const bob = take('bob')
  await turn()
  t.ok(first.every(({ has }) => has()))
  t.notOk(later.some(({ has }) => has()))
  t.match(tooMany.refused(), /more than 216 requests/)
  t.ok(bob.has(), 'others do not wait')
  first[0]?.answer.emit('finish')
  first[0]?.answer.emit('close')
  await turn()
  t.same(later.map(({ has }) => has()).indexOf(false), 1, 'one end, one turn')
  first[1]?.answer.emit('close')
  await turn()
  t.ok(later[1]?.has())
  for (const { answer } of [...first, ...later]) answer.emit('close')
  await turn()
  for (const { answer } of later) answer.emit('close')
  await turn()
  t.ok(take('alice').answer !== undefined)
  await turn()
})

t.test('who has left hands the turn on', async t => {
  const turns = new Turns()
  for (let times = 0; times < 100; times++) {
    const answer = new Answer()
    answer.destroyed = true
    await turns.take('alice', answer as unknown as ServerResponse)
  }
  t.pass('a hundred that are gone keep nobody waiting')
})
