import { body, overlapping } from '../../../store/index/search.js'
import type { Member } from '../../../store/home.js'
import { parameter, properties, unescapeText, type Component } from '../../ical/component.js'
import { textMatcher } from '../../ical/collation.js'
import { compile } from '../../ical/instances.js'
import { Budget } from '../../ical/recur.js'
import type { When, Zone } from '../../ical/time.js'
import type { Place } from '../place.js'
import { brief, nextOf, type Brief } from './brief.js'

/** What is looked for. */
export interface Search {
  readonly text: string
  /** UTC seconds, start inclusive, end exclusive; it has to happen then. */
  readonly window: { readonly start: number, readonly end: number } | undefined
  /** UTC seconds. */
  readonly now: number
  readonly zone: Zone
}

/** An object that was found. */
export interface Match {
  readonly place: Place
  readonly member: Member
  readonly brief: Brief
  /** When it happens next, or in the window first; of what is past when it began. */
  readonly next: When | undefined
  /** The properties that hold the text: 'SUMMARY'. */
  readonly where: readonly string[]
}

/** The properties that are looked at. */
const searched = ['SUMMARY', 'LOCATION', 'DESCRIPTION', 'COMMENT', 'CATEGORIES', 'ATTENDEE', 'ORGANIZER'] as const

/** The objects whose words hold a text, whatever the case, calendar by calendar. One body at a time is in memory. */
export async function * find (places: readonly Place[], search: Search): AsyncGenerator<Match> {
  const matches = textMatcher(search.text, 'i;unicode-casemap', 'contains')
  const rough = roughly(search.text)
  for (const place of places) {
    const { home, collection } = place
    await home.fresh(collection)
    for (const member of candidates(place, search)) {
      const bytes = body(home.index, member.id)
      const found = bytes === undefined || !rough(bytes) ? undefined : brief(bytes)
      const where = found === undefined ? [] : whereIn(found.calendar, matches)
      if (found === undefined || where.length === 0 || !isIn(found, search)) continue
      yield { place, member, brief: found, next: nextOf(found, search.window?.start ?? search.now, search.zone, search.window?.end), where }
    }
  }
}

function candidates ({ home, collection }: Place, { window, zone }: Search): readonly Member[] {
  if (window === undefined) return home.members(collection)
  const local = (seconds: number): number => Number.isFinite(seconds) ? zone.toLocal(seconds) : seconds
  return overlapping(home.index, collection.id, window, { start: local(window.start), end: local(window.end) }, 86_400).map(({ row }) => row)
}

/** A quick look at a body before it is read: what is plain ASCII stands there as it is, but for folds, escapes and case. */
function roughly (text: string): (bytes: Buffer) => boolean {
  const word = /[a-z0-9]+/gi
  const longest = [...text.matchAll(word)].map(([found]) => found).sort((a, b) => b.length - a.length)[0]?.toLowerCase() ?? ''
  // letters beyond ASCII may be mapped to those inside
  if (longest.length < 2 || /[^\x20-\x7e]/.test(text)) return () => true
  return bytes => {
    const all = bytes.toString('latin1')
    return /[\x80-\xff]/.test(all) || all.replace(/\r?\n[ \t]/g, '').toLowerCase().includes(longest)
  }
}

function whereIn (calendar: Component, matches: (value: string) => boolean): string[] {
  const parts = calendar.components.filter(({ name }) => name !== 'VTIMEZONE')
  return searched.filter(name => parts.some(part => properties(part, name).some(one => matches(unescapeText(one.value)) || matches(parameter(one, 'CN') ?? ''))))
}

function isIn ({ calendar }: Brief, { window, zone }: Search): boolean {
  if (window === undefined) return true
  for (const _ of compile(calendar).overlapping(window, zone, new Budget({ milliseconds: 1000 }))) return true
  return false
}
