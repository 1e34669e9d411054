import { escapeText } from '../xml/write.js'

/** DAV:href as text for a 207. */
export function hrefElement (href: string): string {
  return `<D:href>${escapeText(href)}</D:href>`
}
