import type { Method } from './method.js'
import { transfer } from './transfer.js'

/** RFC 4918 9.8 */
export const copy: Method = { name: 'COPY', on: ['calendar', 'folder', 'event', 'file'], run: async request => await transfer(request, false) }
