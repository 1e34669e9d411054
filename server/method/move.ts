import type { Method } from './method.js'
import { transfer } from './transfer.js'

/** RFC 4918 9.9 */
export const move: Method = { name: 'MOVE', on: ['calendar', 'folder', 'event', 'file'], run: async request => await transfer(request, true) }
