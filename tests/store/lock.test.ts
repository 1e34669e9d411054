import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { lock } from '../../store/lock.js'

t.test('one process has a data directory', async t => {
  const state = `${t.testdir()}/deep/state`
  const unlock = lock(state)
  t.match(readFileSync(`${state}/lock`, 'utf8'), new RegExp(`^${process.pid} `))
  t.throws(() => lock(state), { name: 'StoreError', reason: 'exists', message: new RegExp(`process ${process.pid} serves this data directory already`) })
  unlock()
  t.same(readdirSync(state), [])
  unlock()
  const again = lock(state)
  t.same(readdirSync(state), ['lock'], 'nothing else is left beside it')
  again()
})

t.test('what a crash left behind is recognised', async t => {
  const gone = spawn('true')
  await new Promise(resolve => gone.once('exit', resolve))
  for (const [why, text] of Object.entries({
    'no such process': `${gone.pid} 12345`, 'our number, started at another time': `${process.pid} 1`, 'a running number, started at another time': '1 1',
    empty: '', garbage: '\0\xff not a lock', 'a number alone': `${gone.pid}`, negative: '-1 5', 'out of range': '99999999999999999999 5'
  })) {
    const state = t.testdir({ lock: text })
    const unlock = lock(state)
    t.match(readFileSync(`${state}/lock`, 'utf8'), new RegExp(`^${process.pid} `), why)
    t.same(readdirSync(state), ['lock'], why)
    unlock()
  }
  const state = t.testdir({ lock: { 'a directory': 'x' } })
  lock(state)()
  t.same(readdirSync(state), [])
})

t.test('another process that runs keeps its lock', async t => {
  const state = t.testdir({})
  const other = spawn('sleep', ['30'])
  t.teardown(() => other.kill())
  const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8')
  writeFileSync(`${state}/lock`, `${other.pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`)
  t.throws(() => lock(state), { name: 'StoreError', reason: 'exists', message: new RegExp(`process ${other.pid} `) })
  t.throws(() => lock(state), { name: 'StoreError', reason: 'exists' }, 'trying does not take it away')
  other.kill()
  await new Promise(resolve => other.once('exit', resolve))
  const unlock = lock(state)
  rmSync(`${state}/lock`)
  writeFileSync(`${state}/lock`, 'somebody else')
  unlock()
  t.ok(existsSync(`${state}/lock`), 'only our own lock is given back')
})

t.test('what cannot be locked says so', async t => {
  const root = t.testdir({ file: '' })
  t.throws(() => lock(`${root}/file`), { name: 'StoreError', reason: 'exists' })
  t.throws(() => lock(`${root}/file/state`), { name: 'StoreError', reason: 'missing' })
  mkdirSync(`${root}/state`)
  lock(`${root}/state`)()
})
