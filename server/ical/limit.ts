import { parameter, properties, property, type Component } from './component.js'
import type { Instance } from './once.js'
import { occurrenceOf, occurrenceOverlaps, periodsOf, timelessOverlaps, whenOf, type Range, type Reading } from './overlap.js'
import { utcOf, type Zone } from './time.js'
import { UTC, zonesOf } from './timezone.js'

/**
 * Without the overridden instances that neither are nor would have been in the range (CALDAV:limit-recurrence-set, RFC 4791 9.6.6).
 * One with RANGE=THISANDFUTURE stays when it begins before the range ends.
 * @param floating  the zone of DATEs and times without one
 */
export function limitRecurrence (calendar: Component, range: Range, floating: Zone = UTC): Component {
  const reading = { zones: zonesOf(calendar), floating }
  const master = calendar.components.find(component => component.name !== 'VTIMEZONE' && !property(component, 'RECURRENCE-ID'))
  const usual = master && occurrenceOf(master, reading)
  return { ...calendar, components: calendar.components.filter(component => impacts(component, usual, range, reading)) }
}

function impacts (component: Component, usual: Instance | undefined, range: Range, reading: Reading): boolean {
  const id = property(component, 'RECURRENCE-ID')
  const original = whenOf(component, 'RECURRENCE-ID', reading.zones)
  if (!id || !original) return true
  const current = occurrenceOf(component, reading)
  if (current ? occurrenceOverlaps(current, range) : timelessOverlaps(component, range, reading)) return true
  const startUtc = utcOf(original, reading.floating)
  if (parameter(id, 'RANGE')?.toUpperCase() === 'THISANDFUTURE') return Math.min(startUtc, current?.startUtc ?? startUtc) < range.end
  const like = usual ?? current
  const seconds = like ? like.endUtc - like.startUtc : 0
  return occurrenceOverlaps({ component: like?.component ?? component, start: original, end: original, recurrenceId: original, startUtc, endUtc: startUtc + seconds }, range)
}

/** Only the FREEBUSY periods that overlap the range (CALDAV:limit-freebusy-set, RFC 4791 9.6.7); a FREEBUSY without any is left out. */
export function limitFreeBusy (calendar: Component, range: Range): Component {
  const reading = { zones: zonesOf(calendar), floating: UTC }
  return { ...calendar, components: calendar.components.map(component => component.name === 'VFREEBUSY' ? limited(component, range, reading) : component) }
}

function limited (component: Component, range: Range, reading: Reading): Component {
  const periods = periodsOf(component, reading).filter(({ start, end }) => range.start < end && range.end > start)
  const busy = new Set(properties(component, 'FREEBUSY'))
  return {
    ...component,
    properties: component.properties.flatMap(each => {
      if (!busy.has(each)) return [each]
      const values = periods.filter(({ property }) => property === each).map(({ value }) => value)
      return values.length === 0 ? [] : [{ ...each, value: values.join(',') }]
    })
  }
}
