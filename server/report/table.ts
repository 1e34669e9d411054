import type { Name } from '../xml/name.js'
import { aclPrincipalPropSet } from './acl-principal-prop-set.js'
import { calendarMultiget } from './calendar-multiget.js'
import { calendarQuery } from './calendar-query.js'
import { calendarserverPrincipalSearch } from './calendarserver-principal-search.js'
import { expandProperty } from './expand-property.js'
import { freeBusyQuery } from './free-busy-query.js'
import { principalMatch } from './principal-match.js'
import { principalPropertySearch } from './principal-property-search.js'
import { principalSearchPropertySet } from './principal-search-property-set.js'
import type { Report } from './report.js'
import { syncCollection } from './sync-collection.js'

/** Every report, by the name of its body. */
export const reports: ReadonlyMap<Name, Report> = new Map([
  calendarQuery, calendarMultiget, freeBusyQuery, syncCollection, expandProperty,
  aclPrincipalPropSet, principalMatch, principalPropertySearch, principalSearchPropertySet, calendarserverPrincipalSearch
].map(report => [report.name, report]))
