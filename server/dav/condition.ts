import { caldav, dav, me, type Name } from '../xml/name.js'

/** A precondition or postcondition: the element that names it in DAV:error, and the status it goes with. */
export interface Condition {
  readonly name: Name
  readonly status: number
}

/** The table of conditions, by the local name of their element. */
export const conditions = {
  // RFC 3253 1.6, 3.6; the base of all others
  'supported-report': { name: dav('supported-report'), status: 403 },
  // RFC 4791 5.3.1 and RFC 5689 3 for MKCALENDAR, extended MKCOL; a plain MKCOL answers 405
  'resource-must-be-null': { name: dav('resource-must-be-null'), status: 403 },

  // RFC 4918 16
  'lock-token-matches-request-uri': { name: dav('lock-token-matches-request-uri'), status: 409 },
  'lock-token-submitted': { name: dav('lock-token-submitted'), status: 423 }, // holds DAV:href, at least one
  'no-conflicting-lock': { name: dav('no-conflicting-lock'), status: 423 }, // holds DAV:href of the lock's root
  'no-external-entities': { name: dav('no-external-entities'), status: 403 },
  'preserved-live-properties': { name: dav('preserved-live-properties'), status: 409 },
  'propfind-finite-depth': { name: dav('propfind-finite-depth'), status: 403 },
  'cannot-modify-protected-property': { name: dav('cannot-modify-protected-property'), status: 403 },

  // RFC 3744 7.1.1; holds DAV:resource with DAV:href and DAV:privilege
  'need-privileges': { name: dav('need-privileges'), status: 403 },
  // RFC 3744 8.1.1
  'no-ace-conflict': { name: dav('no-ace-conflict'), status: 403 },
  'no-protected-ace-conflict': { name: dav('no-protected-ace-conflict'), status: 403 },
  'no-inherited-ace-conflict': { name: dav('no-inherited-ace-conflict'), status: 403 },
  'limited-number-of-aces': { name: dav('limited-number-of-aces'), status: 403 },
  'grant-only': { name: dav('grant-only'), status: 403 },
  'no-invert': { name: dav('no-invert'), status: 403 },
  'no-abstract': { name: dav('no-abstract'), status: 403 },
  'not-supported-privilege': { name: dav('not-supported-privilege'), status: 403 },
  'missing-required-principal': { name: dav('missing-required-principal'), status: 403 },
  'recognized-principal': { name: dav('recognized-principal'), status: 403 },
  'allowed-principal': { name: dav('allowed-principal'), status: 403 },
  // RFC 3744 9.4, 9.5, RFC 4791 7.8, 7.10, RFC 6578 3.2, 3.7; the example of RFC 6578 3.12 shows 507
  'number-of-matches-within-limits': { name: dav('number-of-matches-within-limits'), status: 507 },

  // RFC 4331 6
  'quota-not-exceeded': { name: dav('quota-not-exceeded'), status: 507 },
  'sufficient-disk-space': { name: dav('sufficient-disk-space'), status: 507 },

  // RFC 4791 5.3.1
  'calendar-collection-location-ok': { name: caldav('calendar-collection-location-ok'), status: 403 },
  'initialize-calendar-collection': { name: caldav('initialize-calendar-collection'), status: 403 },
  // RFC 4791 5.3.2.1; also 5.2.10, 7.8 and 7.9
  'supported-calendar-data': { name: caldav('supported-calendar-data'), status: 403 },
  'valid-calendar-data': { name: caldav('valid-calendar-data'), status: 403 },
  'valid-calendar-object-resource': { name: caldav('valid-calendar-object-resource'), status: 403 },
  'supported-calendar-component': { name: caldav('supported-calendar-component'), status: 403 },
  'no-uid-conflict': { name: caldav('no-uid-conflict'), status: 403 }, // holds DAV:href
  'max-resource-size': { name: caldav('max-resource-size'), status: 403 },
  'min-date-time': { name: caldav('min-date-time'), status: 403 },
  'max-date-time': { name: caldav('max-date-time'), status: 403 },
  'max-instances': { name: caldav('max-instances'), status: 403 },
  'max-attendees-per-instance': { name: caldav('max-attendees-per-instance'), status: 403 },
  // RFC 4791 7.8
  'valid-filter': { name: caldav('valid-filter'), status: 403 },
  'supported-filter': { name: caldav('supported-filter'), status: 403 }, // holds the filters not supported
  // RFC 4791 7.5.1
  'supported-collation': { name: caldav('supported-collation'), status: 403 },
  // CalendarServer: a query that would expand too many instances
  'number-of-recurrences-within-limits': { name: caldav('number-of-recurrences-within-limits'), status: 403 },

  // RFC 5689 3.3
  'valid-resourcetype': { name: dav('valid-resourcetype'), status: 403 },

  // Apple's bulk changes 6
  'ctag-ok': { name: me('ctag-ok'), status: 412 },

  // RFC 5995 4.1
  'allow-client-defined-uri': { name: dav('allow-client-defined-uri'), status: 403 },

  // RFC 6578 3.2; DAVx5 starts over when it sees this element
  'valid-sync-token': { name: dav('valid-sync-token'), status: 403 },
  // RFC 6578 3.3: a sync-level or target that is not synchronised
  'sync-traversal-supported': { name: dav('sync-traversal-supported'), status: 403 },

  // RFC 6638 3.2.4
  'unique-scheduling-object-resource': { name: caldav('unique-scheduling-object-resource'), status: 403 }, // holds DAV:href
  'same-organizer-in-all-components': { name: caldav('same-organizer-in-all-components'), status: 403 },
  'allowed-organizer-scheduling-object-change': { name: caldav('allowed-organizer-scheduling-object-change'), status: 403 },
  'allowed-attendee-scheduling-object-change': { name: caldav('allowed-attendee-scheduling-object-change'), status: 403 },
  // RFC 6638 4.3.1
  'default-calendar-needed': { name: caldav('default-calendar-needed'), status: 403 },
  'valid-schedule-default-calendar-URL': { name: caldav('valid-schedule-default-calendar-URL'), status: 403 },
  // RFC 6638 5.2
  'valid-scheduling-message': { name: caldav('valid-scheduling-message'), status: 400 },
  'valid-organizer': { name: caldav('valid-organizer'), status: 403 },

  // RFC 7529 6
  'supported-rscale': { name: caldav('supported-rscale'), status: 403 },

  // RFC 7809 3.1.1, 3.1.2
  'valid-timezone': { name: caldav('valid-timezone'), status: 403 }
} as const satisfies Record<string, Condition>

/** The key of a row of the table. */
export type ConditionName = keyof typeof conditions
