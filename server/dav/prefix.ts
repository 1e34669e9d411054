import { escapeText } from '../xml/write.js'

/*
 * A server may live below a path of another: https://example.org/dav/. Inside, every path begins at our own root; the
 * prefix is put before hrefs where an answer leaves. Our hrefs are written `<D:href>/…`, those that clients stored
 * `<D:href >/…`, which is the same to every reader of XML.
 */

/** XML that a client stored, written for the prefix D, so that its hrefs stay as they are. */
export function keepHrefs (xml: string): string {
  return xml.replaceAll('<D:href>', '<D:href >')
}

/** XML of ours with the prefix before each of our hrefs that is a path. It must hold whole elements. */
export function prefixHrefs (xml: string, prefix: string): string {
  const begin = `<D:href>${escapeText(prefix)}/`
  return xml.replaceAll('<D:href>/', () => begin)
}
