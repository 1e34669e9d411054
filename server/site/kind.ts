import { caldav, cs, dav, type Name } from '../xml/name.js'

/** What a URL can name. */
export type Kind =
  | 'root' | 'principals' | 'principal' | 'proxy' // virtual
  | 'calendars' // virtual: /calendars/ and /calendars/users/
  | 'home' | 'calendar' | 'inbox' | 'outbox' | 'folder' // directories
  | 'event' | 'file' // files, in a calendar or elsewhere
  | 'add-member' // what new events are posted to
  | 'unmapped'

/** The facts of a kind. */
export interface KindRow {
  /** What DAV:resourcetype holds. */
  readonly types: readonly Name[]
  readonly isCollection: boolean
  /** It lies in a home and may be written by its owner. */
  readonly isOwned: boolean
  /** The reports it answers, as DAV:supported-report-set lists them. */
  readonly reports: readonly Name[]
}

const everywhere = [dav('expand-property'), dav('acl-principal-prop-set')]
const collections = [...everywhere, dav('principal-match'), dav('principal-property-search')]
const principals = [...collections, dav('principal-search-property-set'), cs('calendarserver-principal-search')]
const calendars = [...collections, caldav('calendar-query'), caldav('calendar-multiget'), caldav('free-busy-query'), dav('sync-collection')]

/** The table of kinds. */
export const kinds: Readonly<Record<Kind, KindRow>> = {
  root: { types: [dav('collection')], isCollection: true, isOwned: false, reports: principals },
  principals: { types: [dav('collection')], isCollection: true, isOwned: false, reports: principals },
  principal: { types: [dav('principal'), dav('collection')], isCollection: true, isOwned: false, reports: principals },
  proxy: { types: [dav('principal'), dav('collection')], isCollection: true, isOwned: false, reports: principals },
  calendars: { types: [dav('collection')], isCollection: true, isOwned: false, reports: collections },
  // Apple's clients look for sync-collection on the home before they use it on a calendar
  home: { types: [dav('collection')], isCollection: true, isOwned: true, reports: [...collections, caldav('calendar-query'), caldav('calendar-multiget'), caldav('free-busy-query'), dav('sync-collection')] },
  calendar: { types: [dav('collection'), caldav('calendar')], isCollection: true, isOwned: true, reports: calendars },
  inbox: { types: [dav('collection'), caldav('schedule-inbox')], isCollection: true, isOwned: true, reports: [...collections, caldav('calendar-query'), caldav('calendar-multiget'), dav('sync-collection')] },
  // RFC 6578 3.3: what cannot be followed in a home would be 403 in every synchronisation of it
  outbox: { types: [dav('collection'), caldav('schedule-outbox')], isCollection: true, isOwned: true, reports: [...collections, dav('sync-collection')] },
  folder: { types: [dav('collection')], isCollection: true, isOwned: true, reports: calendars },
  event: { types: [], isCollection: false, isOwned: true, reports: [...everywhere, caldav('calendar-query'), caldav('calendar-multiget')] },
  file: { types: [], isCollection: false, isOwned: true, reports: everywhere },
  'add-member': { types: [], isCollection: false, isOwned: true, reports: [] },
  unmapped: { types: [], isCollection: false, isOwned: false, reports: [] }
}

/** The types that a client may give a new collection besides DAV:collection (RFC 5689, iCal's subscriptions). */
export const creatableTypes: readonly Name[] = [caldav('calendar'), cs('subscribed')]
