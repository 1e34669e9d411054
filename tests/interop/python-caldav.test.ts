import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from './run.js'
import { account, attributeNames, missing, serve, strays } from './server.js'
import { roomFor } from './room.js'

const python = '/usr/bin/python3'
const library = missing(python, 'getfattr') || ((await run(python, ['-c', 'import caldav'])).code === 0 ? false : 'not installed: python3-caldav')
const calendars = ['calendar', 'tasks', 'trips']

/** What each step of python-caldav.py has to print. */
const expected: Readonly<Record<string, unknown>> = {
  server_offers: { dav: true, caldav: true },
  principal_has_calendars: ['calendar', 'tasks'],
  calendar_is_made: ['Trips & travel é', 'Trips & travel é'],
  calendar_is_listed_by_name: 'trips',
  calendar_says_its_components: /VEVENT/,
  events_are_saved: ['Ferry', 'Plane', 'Train'],
  event_is_found_by_uid: 'Ferry',
  search_by_date: ['Ferry', 'Train'],
  search_by_date_expands: ['06-02 Train', '06-09 Train', '06-10 Ferry', '06-24 Late train', '06-30 Train'],
  server_expands: [5, 0],
  event_is_changed: 'Ferry, later',
  sync_says_what_changed: ['Ferry, later', 'Plane', 'Train'],
  sync_says_what_is_gone: [0, 1, 2],
  todos_are_listed_and_completed: [['Bread', 'Milk'], ['Bread'], ['Bread', 'Milk']],
  calendar_is_deleted: calendars
}

t.test('python-caldav finds, makes, fills, searches and syncs calendars', { skip: library }, async t => {
  const served = await serve(t, path.join(roomFor(t), 'data'))
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python-caldav.py')
  const { printed } = await run(python, ['-W', 'ignore', script, `${served.url}/`, account.user, account.password])
  const steps = new Map(printed.split('\n').filter(line => line.startsWith('{"step"')).map(line => {
    const { step, found, error } = JSON.parse(line) as { step: string, found?: unknown, error?: string }
    return [step, error ?? found]
  }))
  for (const [step, wanted] of Object.entries(expected)) {
    const found = steps.get(step)
    const name = step.replaceAll('_', ' ')
    if (wanted instanceof RegExp) t.match(JSON.stringify(found), wanted, name)
    else t.same(found, wanted, name)
  }
  if (served.data === undefined) return
  t.same(strays(served.data), [], 'on disk it is plain files')
  t.match(attributeNames(served.data).join(), 'displayname', 'the attributes have readable names')
})
