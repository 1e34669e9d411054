import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Budget, occurrences, parseRule, scaleNames, Sequence } from '../../../server/ical/recur.js'
import { Scale, scaleNamed } from '../../../server/ical/recur/scale.js'
import { formatWhen, parseDateTime } from '../../../server/ical/time.js'
import { house } from '../../house.js'

const DAY = 86400

/** The first occurrences as text. */
function list (start: string, rule: string, most: number, from = '00010101', budget = new Budget()): string[] {
  const { local, date } = parseDateTime(start)
  const found: string[] = []
  for (const at of occurrences(parseRule(rule), { local, date, zone: 'floating' }, parseDateTime(from).local, budget)) {
    found.push(formatWhen({ date, local: at, zone: 'floating' }))
    if (found.length === most) break
  }
  return found
}

function check (t: Test, table: Readonly<Record<string, readonly [start: string, rule: string, first: string, from?: string]>>): void {
  for (const [why, [start, rule, first, from]] of Object.entries(table)) {
    const expected = first.split(' ')
    t.same(list(start, rule, expected.length, from), expected, why)
  }
}

t.test('the examples of RFC 7529', async t => {
  check(t, {
    '4.3.1 Chinese New Year': ['20130210', 'RSCALE=CHINESE;FREQ=YEARLY', '20130210 20140131 20150219 20160208 20170128'],
    '4.3.2 Ethiopic 13th month': ['20130906', 'RSCALE=ETHIOPIC;FREQ=MONTHLY;BYMONTH=13', '20130906 20140906 20150906 20160906 20170906'],
    '4.3.3 Hebrew anniversary in a leap month': ['20140208', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=8;SKIP=FORWARD', '20140208 20150227 20160217 20170306 20180223'],
    '4.3.4 leap day, SKIP=FORWARD': ['20120229', 'RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD', '20120229 20130301 20140301 20150301 20160229 20170301'],
    '4.3.4 leap day without RSCALE': ['20120229', 'FREQ=YEARLY', '20120229 20160229']
  })
})

t.test('what follows from RFC 7529 4.1 and 4.2', async t => {
  check(t, {
    'names in any case, and aliases': ['20130210', 'RSCALE=chinese;freq=yearly', '20130210 20140131'],
    'the leap month is left out in years without': ['20140208', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=8', '20140208 20160217 20190213'],
    'the leap month gives way to the one before': ['20140208', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=8;SKIP=BACKWARD', '20140208 20150128 20160217'],
    'a start in a leap month is one too': ['20140208', 'RSCALE=HEBREW;FREQ=YEARLY;SKIP=FORWARD', '20140208 20150227 20160217'],
    // 30 Adar I; Adar of a common year has 29 days
    'first the month, then the day: forward': ['20140302', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=30;SKIP=FORWARD', '20140302 20150321 20160310'],
    'first the month, then the day: backward': ['20140302', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=30;SKIP=BACKWARD', '20140302 20150219 20160310'],
    'the 30th of Chinese months': ['20160109', 'RSCALE=CHINESE;FREQ=MONTHLY', '20160109 20160308 20160506 20160802 20160930 20161030 20161228'],
    'the 30th, forward': ['20160109', 'RSCALE=CHINESE;FREQ=MONTHLY;SKIP=FORWARD', '20160109 20160208 20160308 20160407 20160506 20160605 20160704 20160802'],
    'the 30th, backward': ['20160109', 'RSCALE=CHINESE;FREQ=MONTHLY;SKIP=BACKWARD', '20160109 20160207 20160308 20160406 20160506 20160604 20160703 20160802'],
    'BYMONTHDAY=30 from a start that fits': ['20160308', 'RSCALE=CHINESE;FREQ=MONTHLY;BYMONTHDAY=30;SKIP=BACKWARD', '20160308 20160406 20160506 20160604'],
    'the last day of a month that is short': ['20140910', 'RSCALE=ETHIOPIC;FREQ=YEARLY;BYMONTH=13;BYMONTHDAY=-1;COUNT=3', '20140910 20150911 20160910'],
    'INTERVAL counts the years of the scale': ['20130210', 'RSCALE=CHINESE;FREQ=YEARLY;INTERVAL=3', '20130210 20160208 20190205'],
    'INTERVAL counts months, leap ones too': ['20140131', 'RSCALE=CHINESE;FREQ=MONTHLY;INTERVAL=13', '20140131 20150219 20160309'],
    'BYDAY within the year of the scale': ['20130211', 'RSCALE=CHINESE;FREQ=YEARLY;BYDAY=1MO,-1MO', '20130211 20140127 20140203 20150216'],
    'BYDAY within the month of the scale': ['20130215', 'RSCALE=CHINESE;FREQ=MONTHLY;BYDAY=1FR', '20130215 20130315 20130412'],
    'the last day of the year': ['20140130', 'RSCALE=CHINESE;FREQ=YEARLY;BYYEARDAY=-1', '20140130 20150218 20160207'],
    'a day that only long years have': ['20150218', 'RSCALE=CHINESE;FREQ=YEARLY;BYYEARDAY=384', '20150218 20180215 20210211'],
    'a day that only long years have, backward': ['20150218', 'RSCALE=CHINESE;FREQ=YEARLY;BYYEARDAY=384;SKIP=BACKWARD', '20150218 20160207 20170127'],
    'DAILY within a month of the scale': ['20250301', 'RSCALE=ISLAMIC-CIVIL;FREQ=DAILY;BYMONTH=9;BYDAY=SU,SA', '20250301 20250302 20250308 20250309 20250315 20250316 20250322 20250323 20250329 20250330 20260221'],
    'WEEKLY on a day of the month': ['20250301', 'RSCALE=PERSIAN;FREQ=WEEKLY;BYDAY=FR,SA;BYMONTHDAY=1', '20250301 20250321 20250823'],
    'HOURLY on one day of the year': ['20250320T230000', 'RSCALE=PERSIAN;FREQ=HOURLY;INTERVAL=12;BYYEARDAY=1', '20250320T230000 20250321T110000 20250321T230000 20260321T110000'],
    'weeks of the year of the scale': ['20130211', 'RSCALE=CHINESE;FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO', '20130211 20140203 20150216'],
    'a calendar that counts other years only': ['20240229', 'RSCALE=JAPANESE;FREQ=YEARLY;SKIP=BACKWARD', '20240229 20250228'],
    'far ahead': ['19000131', 'RSCALE=CHINESE;FREQ=YEARLY', '20400212', '20400101'],
    'far ahead by months': ['19000131', 'RSCALE=CHINESE;FREQ=MONTHLY', '20400114 20400212', '20400101'],
    'the first years': ['00010101', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1', '00010101 00010906'],
    'both bounds': ['20130210', 'RSCALE=CHINESE;FREQ=YEARLY;COUNT=2', '20130210 20140131']
  })
  t.same(list('20130210', 'RSCALE=CHINESE;FREQ=YEARLY;UNTIL=20150219', 9), ['20130210', '20140131', '20150219'])
  t.same(list('99991201', 'RSCALE=CHINESE;FREQ=MONTHLY', 9).at(-1), '99991231', 'the end of time')
  t.ok(new Sequence(parseRule('RSCALE=HEBREW;FREQ=YEARLY;COUNT=100'), { local: 0, date: true }).last(new Budget({ steps: 60_000 })) < 200 * 366 * DAY)
})

t.test('what a calendar system does not have is refused', async t => {
  for (const rule of ['RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=13', 'RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=13L', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=6L', 'RSCALE=ETHIOPIC;FREQ=YEARLY;BYMONTH=5L',
    'RSCALE=ETHIOPIC;FREQ=YEARLY;BYMONTH=14', 'RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=0L', 'RSCALE=CHINESE;FREQ=YEARLY;BYMONTH=L', 'RSCALE=PERSIAN;FREQ=YEARLY;BYYEARDAY=367', 'RSCALE=CHINESE;FREQ=YEARLY;BYYEARDAY=386']) {
    t.throws(() => parseRule(rule), { name: 'ValueError', message: /no month|out of range/ }, rule)
  }
  for (const name of ['NABATEAN', '__proto__', 'constructor', '', 'X-MINE']) t.throws(() => parseRule(`RSCALE=${name};FREQ=YEARLY`), { message: /is not known/ }, name)
})

/** What Intl says of a day, independent of the tables. */
function reader (name: string): (day: number) => { month: number, leap: boolean, day: number, year: string } {
  const format = new Intl.DateTimeFormat(`en-u-ca-${name}-nu-latn`, { timeZone: 'UTC', year: 'numeric', month: name === 'hebrew' ? 'long' : 'numeric', day: 'numeric' })
  const hebrew = ['Tishri', 'Heshvan', 'Kislev', 'Tevet', 'Shevat', 'Adar', 'Nisan', 'Iyar', 'Sivan', 'Tamuz', 'Av', 'Elul']
  return at => {
    const parts = Object.fromEntries(format.formatToParts(at * DAY * 1000).map(({ type, value }) => [type, value]))
    const month = parts['month'] ?? ''
    const named = hebrew.indexOf(month.replace(/ II?$/, '')) + 1
    const leap = name === 'hebrew' ? month === 'Adar I' : month.endsWith('bis')
    return { month: name === 'hebrew' ? named - (leap ? 1 : 0) : parseInt(month), leap, day: Number(parts['day']), year: parts['year'] ?? parts['relatedYear'] ?? '' }
  }
}

t.test('the same days as a walk over every day of 12 years', async t => {
  const [from, to] = [Date.UTC(2019, 2, 1) / DAY / 1000, Date.UTC(2031, 2, 1) / DAY / 1000]
  for (const name of scaleNames.map(name => name.toLowerCase()).filter(name => scaleNamed(name) instanceof Scale)) {
    const read = reader(name)
    const all = Array.from({ length: to - from }, (_, index) => ({ at: from + index, ...read(from + index) }))
    const compare = (rule: string, wanted: (day: typeof all[number]) => boolean): void => {
      const sequence = new Sequence(parseRule(`RSCALE=${name};${rule}`), { local: from * DAY, date: true }, false)
      const walk = sequence.walk(from * DAY, to * DAY - 1, new Budget({ steps: 1e7 }))
      const found: number[] = []
      for (let at = walk.next(); at !== Infinity; at = walk.next()) found.push(at / DAY)
      t.same(found, all.filter(wanted).map(({ at }) => at), `${name} ${rule}`)
      t.ok(found.length > 0)
    }
    compare('FREQ=MONTHLY;BYMONTHDAY=1', ({ day }) => day === 1)
    compare('FREQ=YEARLY;BYMONTH=1,8,12;BYMONTHDAY=2,29', ({ month, leap, day }) => !leap && [1, 8, 12].includes(month) && [2, 29].includes(day))
    compare('FREQ=DAILY;BYMONTH=3,7;BYMONTHDAY=30,31,15', ({ month, leap, day }) => !leap && [3, 7].includes(month) && [30, 31, 15].includes(day))
    compare('FREQ=MONTHLY;BYMONTHDAY=-1', ({ at }) => (all[at + 1 - from] ?? read(at + 1)).day === 1)
    if (name === 'chinese' || name === 'dangi') compare('FREQ=MONTHLY;BYMONTH=4L,5,6L;BYMONTHDAY=5', ({ month, leap, day }) => day === 5 && (leap ? [4, 6] : [5]).includes(month))
    if (name === 'hebrew') compare('FREQ=YEARLY;BYMONTH=5L,6', ({ month, leap, day }) => day === all[0]?.day && (leap || month === 6))
  }
})

t.test('calendar systems are worked out little by little', async t => {
  const hebrew = scaleNamed('HEBREW')
  if (!(hebrew instanceof Scale)) return t.fail('Intl knows no Hebrew calendar')
  const before = hebrew.built
  list('35000101', 'RSCALE=HEBREW;FREQ=MONTHLY', 1, '36000101')
  t.ok(hebrew.built - before < 8, `${hebrew.built - before} years for a question about one month`)
  const budget = new Budget({ steps: 6000 })
  t.same(list('40000101', 'RSCALE=HEBREW;FREQ=MONTHLY;BYMONTH=5L;BYMONTHDAY=31;COUNT=9', 9, '00010101', budget), ['40000101'])
  t.ok(budget.exhausted, 'a rule without days spends its budget')
  t.ok(hebrew.built - before < 60, 'and works out no more years than it pays for')
})

t.test('on the server', async t => {
  const { ask, documents } = await house(t)
  const event = (rule: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:test', 'BEGIN:VEVENT', 'UID:a', 'DTSTAMP:20250101T000000Z', 'DTSTART;VALUE=DATE:20130210', `RRULE:${rule}`, 'SUMMARY:New Year', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
  const put = async (name: string, rule: string): Promise<{ status: number, body: string }> => await ask('PUT', `/calendars/users/alice/calendar/${name}.ics`, { body: event(rule), headers: { 'content-type': 'text/calendar' } })
  t.equal((await put('a', 'RSCALE=CHINESE;FREQ=YEARLY')).status, 201)
  const refused = await put('b', 'RSCALE=NABATEAN;FREQ=YEARLY')
  t.equal(refused.status, 403)
  t.match(refused.body, /<C:supported-rscale\/>/, 'RFC 7529 10')
  const query = await ask('REPORT', '/calendars/users/alice/calendar/', {
    headers: { depth: '1', 'content-type': 'text/xml' },
    body: '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data><C:expand start="20400101T000000Z" end="20410101T000000Z"/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20400201T000000Z" end="20400301T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
  })
  t.match(query.body, /DTSTART;VALUE=DATE:20400212/)
  // RFC 7529 6: what lies there by hand is read as if it did not repeat
  writeFileSync(join(documents, 'calendars/users/alice/calendar/hand.ics'), event('RSCALE=NABATEAN;FREQ=YEARLY').replace('UID:a', 'UID:hand'))
  const year = async (from: number): Promise<string> => (await ask('REPORT', '/calendars/users/alice/calendar/', {
    headers: { depth: '1', 'content-type': 'text/xml' },
    body: `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="${from}0101T000000Z" end="${from + 1}0101T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
  })).body
  t.match(await year(2013), /hand\.ics/)
  t.notMatch(await year(2014), /hand\.ics/)
  for (const url of ['/calendars/users/alice/', '/calendars/users/alice/calendar/', '/calendars/users/alice/inbox/']) {
    const { body } = await ask('PROPFIND', url, { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:supported-rscale-set/></D:prop></D:propfind>' })
    for (const name of ['GREGORIAN', 'CHINESE', 'ISLAMIC-CIVIL', 'HEBREW', 'ETHIOPIC']) t.match(body, `<C:supported-rscale>${name}</C:supported-rscale>`, `${url} ${name}`)
    const all = await ask('PROPFIND', url, { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>' })
    t.notMatch(all.body, /supported-rscale/, 'RFC 7529 10.1: not in allprop')
  }
})
