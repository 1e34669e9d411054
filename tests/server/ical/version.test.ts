import t from 'tap'
import { isOlder, standing, uidOf, type Standing } from '../../../server/ical/version.js'

type Part = Readonly<Record<string, string>>

/** An object of VEVENTs; each gets the UID 'a' unless it has one. */
function body (...parts: readonly Part[]): Buffer {
  const events = parts.map(part => ['BEGIN:VEVENT', ...Object.entries({ UID: 'a', ...part }).map(([name, value]) => `${name}:${value}`), 'END:VEVENT'].join('\r\n'))
  return Buffer.from(['BEGIN:VCALENDAR', 'VERSION:2.0', ...events, 'END:VCALENDAR', ''].join('\r\n'))
}

const [early, late] = ['20260101T000000Z', '20260102T000000Z']
const override = (day: string, more: Part = {}): Part => ({ 'RECURRENCE-ID': `202603${day}T090000Z`, DTSTAMP: early, ...more })
const master: Part = { DTSTAMP: early, RRULE: 'FREQ=DAILY' }

const opposite: Readonly<Record<Standing, Standing>> = { same: 'same', older: 'newer', newer: 'older', unknown: 'unknown' }

for (const [why, one, other, expected] of [
  ['equal bytes', body(master), body(master), 'same'],
  ['folded otherwise', body({ ...master, SUMMARY: 'long' }), Buffer.from(body({ ...master, SUMMARY: 'long' }).toString().replace('lo', 'l\r\n o').replaceAll('\r\n', '\n')), 'same'],
  ['another text and nothing that tells', body({ ...master, SUMMARY: 'x' }), body({ ...master, SUMMARY: 'y' }), 'unknown'],
  ['SEQUENCE', body({ ...master, SEQUENCE: '1' }), body({ ...master, SEQUENCE: '2' }), 'older'],
  ['no SEQUENCE is 0', body(master), body({ ...master, SEQUENCE: '1' }), 'older'],
  ['SEQUENCE before times', body({ ...master, SEQUENCE: '1', 'LAST-MODIFIED': late, DTSTAMP: late }), body({ ...master, SEQUENCE: '2', 'LAST-MODIFIED': early }), 'older'],
  ['a SEQUENCE of ten is more than one of nine', body({ ...master, SEQUENCE: '9' }), body({ ...master, SEQUENCE: '10' }), 'older'],
  ['LAST-MODIFIED before DTSTAMP', body({ ...master, 'LAST-MODIFIED': early, DTSTAMP: late }), body({ ...master, 'LAST-MODIFIED': late }), 'older'],
  ['DTSTAMP when only one has LAST-MODIFIED', body({ ...master, 'LAST-MODIFIED': late, DTSTAMP: early }), body({ ...master, DTSTAMP: late }), 'older'],
  ['a time that is none decides nothing', body({ ...master, DTSTAMP: 'soon' }), body({ ...master, DTSTAMP: late }), 'unknown'],
  ['properties of an alarm do not count', body({ ...master, 'BEGIN': 'VALARM\r\nSEQUENCE:9\r\nEND:VALARM' }), body({ ...master, SEQUENCE: '1' }), 'older'],
  ['lower case, a parameter and a fold', body({ ...master, 'sequence;X-A="b:c"': '\r\n 1' }), body({ ...master, SEQUENCE: '2' }), 'older'],
  ['an override changed', body(master, override('11')), body(master, override('11', { SEQUENCE: '1' })), 'older'],
  ['master newer, override older', body({ ...master, SEQUENCE: '1' }, override('11')), body(master, override('11', { SEQUENCE: '1' })), 'unknown'],
  ['an override that came later', body(master), body(master, override('11', { DTSTAMP: late })), 'older'],
  ['an override as old as the rest', body(master), body(master, override('11')), 'unknown'],
  ['each has an override of its own', body(master, override('11', { DTSTAMP: late })), body(master, override('12', { DTSTAMP: '20260103T000000Z' })), 'older'],
  ['a newer master without the override', body(master, override('11')), body({ ...master, SEQUENCE: '1' }), 'older'],
  ['an override written after the newer master', body(master, override('11', { DTSTAMP: late })), body({ ...master, SEQUENCE: '1' }), 'unknown'],
  ['overrides without a master', body(override('11')), body(override('11', { SEQUENCE: '3' })), 'older'],
  ['another UID', body(master), body({ ...master, UID: 'b', SEQUENCE: '5', DTSTAMP: late }), 'unknown'],
  ['cut off', body({ ...master, SEQUENCE: '1' }).subarray(0, -20), body({ ...master, SEQUENCE: '2' }), 'unknown'],
  ['nothing', Buffer.alloc(0), body(master), 'unknown'],
  ['no calendar', Buffer.from('<html>'), body(master), 'unknown'],
  ['no UID', body({ ...master, UID: '' }), body({ ...master, SEQUENCE: '2' }), 'unknown']
] as const) {
  t.test(why, async t => {
    t.equal(standing(one, other), expected)
    t.equal(standing(other, one), opposite[expected], 'the other way round')
    t.equal(isOlder(one, other), expected === 'older')
  })
}

t.test('random bytes and cuts throw nothing', async t => {
  const whole = body(master, override('11', { SEQUENCE: '1' }), override('12'))
  let [seed, differ] = [1, 0]
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below
  for (let round = 0; round < 2000; round++) {
    const mutant = Buffer.from(whole.subarray(0, random(whole.length)))
    for (let times = random(4); times > 0 && mutant.length > 0; times--) mutant[random(mutant.length)] = random(256)
    if (standing(mutant, whole) !== 'same') differ++
    standing(whole, mutant)
  }
  t.equal(differ, 2000)
})

t.test('much is read in passing, too much not at all', async t => {
  const many = Array.from({ length: 15_000 }, (_, day) => ({ 'RECURRENCE-ID': `2026${day}`, DTSTAMP: early }))
  t.equal(standing(body(master, ...many), body({ ...master, SEQUENCE: '1' }, ...many)), 'older')
  const more = Array.from({ length: 21_000 }, (_, day) => ({ 'RECURRENCE-ID': `2026${day}`, DTSTAMP: early }))
  t.equal(standing(body(master, ...more), body({ ...master, SEQUENCE: '1' }, ...more)), 'unknown')
  const attached = (sequence: string): Buffer => body({ ...master, ATTACH: 'x'.repeat(5_000_000), SEQUENCE: sequence })
  t.equal(standing(attached('1'), attached('2')), 'older')
  t.equal(standing(body({ ...master, ATTACH: 'x'.repeat(40_000_000) }), body({ ...master, SEQUENCE: '2' })), 'unknown')
})

t.test('uidOf', async t => {
  t.equal(uidOf(body({ UID: 'grün:1;2' }, { ...override('11'), UID: 'grün:1;2' })), 'grün:1;2')
  t.equal(uidOf(Buffer.from(body(master).toString().replace('UID:a', 'UID;X-A="b;c:d":e:f'))), 'e:f')
  t.equal(uidOf(body(master, { ...master, UID: 'b' })), undefined, 'two')
  t.equal(uidOf(Buffer.from('x')), undefined)
})
