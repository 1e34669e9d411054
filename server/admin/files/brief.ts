import { body } from '../../../store/index/search.js'
import type { Member } from '../../../store/home.js'
import { property, unescapeText, type Component } from '../../ical/component.js'
import { compile } from '../../ical/instances.js'
import { once } from '../../ical/once.js'
import { decode, IcalError, parse } from '../../ical/parse.js'
import { Budget } from '../../ical/recur.js'
import type { When, Zone } from '../../ical/time.js'
import { zonesOf } from '../../ical/timezone.js'
import type { Place } from '../place.js'

/** What people want to know of an object at first sight. */
export interface Brief {
  readonly calendar: Component
  /** What describes it: the series, or the first override there is. */
  readonly main: Component
  /** In one line; '' when it has none. */
  readonly summary: string
  readonly start: When | undefined
  readonly end: When | undefined
  /** 'daily', 'weekly' …; undefined for what happens once. */
  readonly repeats: string | undefined
}

/** The object that is served as a member; undefined when it cannot be read. */
export function briefOf ({ home }: Pick<Place, 'home'>, { id }: Member): Brief | undefined {
  const bytes = body(home.index, id)
  return bytes === undefined ? undefined : brief(bytes)
}

/** What a body tells; undefined when it is no object. */
export function brief (bytes: Buffer): Brief | undefined {
  try {
    const calendar = parse(decode(bytes))
    const parts = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
    const main = parts.find(part => property(part, 'RECURRENCE-ID') === undefined) ?? parts[0]
    if (main === undefined) return undefined
    const found = once(main, zonesOf(calendar))
    return { calendar, main, summary: line(main, 'SUMMARY'), start: found?.start, end: found?.end, repeats: repeats(main) }
  } catch (error) {
    if (error instanceof IcalError) return undefined
    throw error
  }
}

/** The text of a property in one line, without what terminals would obey; '' when there is none. */
export function line (component: Component, name: string): string {
  return plain(unescapeText(property(component, name)?.value ?? ''))
}

/** In one line, without control characters. */
export function plain (text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim()
}

function repeats (main: Component): string | undefined {
  const rule = property(main, 'RRULE')?.value
  if (rule === undefined) return property(main, 'RDATE') === undefined ? undefined : 'on days'
  return /FREQ=(\w+)/i.exec(rule)?.[1]?.toLowerCase() ?? 'yes'
}

/**
 * The first time from a moment on that it happens, else, when that is past, when it began.
 * @param to  UTC seconds, exclusive; nothing is found from then on
 * @param floating  the zone in which DATEs and times without one are read
 */
export function nextOf ({ calendar, start }: Brief, from: number, floating: Zone, to = Infinity): When | undefined {
  for (const { start } of compile(calendar).overlapping({ start: from, end: to }, floating, new Budget({ milliseconds: 100 }))) return start
  return start
}
