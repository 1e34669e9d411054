import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ICAL from 'ical.js'
import t from 'tap'
import { property } from '../../../server/ical/component.js'
import { decode, IcalError, parse } from '../../../server/ical/parse.js'
import { calendarObject } from '../../../server/ical/validate.js'
import { write } from '../../../server/ical/write.js'

const directory = process.env['CALDAVD_CORPUS'] ?? join(import.meta.dirname, '../../fixture/ics')
const entries = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as { file: string, caldav_object: boolean }[]

t.test('ical.js, which Thunderbird reads with, reads what we print, and reads the same in it', async t => {
  let read = 0
  for (const { file, caldav_object: isObject } of entries) {
    if (!isObject) continue
    const text = decode(readFileSync(join(directory, file)))
    const printed = write(parse(text))
    const { uid, type } = calendarObject(printed)
    const theirs = new ICAL.Component(ICAL.parse(printed) as [])
    const components = theirs.getAllSubcomponents(type.toLowerCase())
    if (components.length === 0 || components.some(component => component.getFirstPropertyValue('uid') !== uid)) t.fail(`${file}: another UID or no ${type}`)
    const ours = parse(printed).components.filter(({ name }) => name === type)
    if (ours.length !== components.length) t.fail(`${file}: ${ours.length} components here, ${components.length} there`)
    for (const [position, component] of ours.entries()) {
      const there = components[position]?.getAllProperties().length ?? 0
      if (there !== component.properties.length) t.fail(`${file}: ${component.properties.length} properties here, ${there} there (${property(component, 'UID')?.line ?? 0})`)
    }
    read++
  }
  t.ok(read > 5, `${read} objects`)
})

t.test('what ical.js takes although it is broken, we refuse', async t => {
  const broken = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n'
  t.doesNotThrow(() => ICAL.parse(broken))
  t.throws(() => parse(broken), IcalError)
})
