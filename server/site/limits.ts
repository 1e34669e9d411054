import type { Settings } from '../../conf/settings.js'
import type { Limits } from '../xml/parse.js'

/** Bounds for XML from the disk, which has passed stricter ones on its way in. */
export const defaultLimits: Limits = { bytes: 16 * 1024 * 1024, depth: 200, elements: 200_000 }

/** Bounds for XML from clients. */
export function xmlLimits ({ limits }: Settings): Limits {
  return { bytes: limits.xmlBytes, depth: limits.xmlDepth, elements: 20_000 }
}
