/** The one door to recurrence (RFC 5545 3.3.10, RFC 7529): the parts in `recur/` are imported here only. */
export { Budget } from './recur/budget.js'
export { parseRule, UnsupportedScale, type Frequency, type Rule } from './recur/rule.js'
export { scaleNames } from './recur/scale.js'
export { occurrences, Sequence } from './recur/sequence.js'
export type { Start } from './recur/until.js'
export type { Walk } from './recur/walk.js'
