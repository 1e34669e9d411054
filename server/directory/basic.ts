/** What a Basic header says. */
export interface BasicCredentials { readonly name: string, readonly password: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Basic credentials (RFC 7617 2); undefined when the header is of another scheme, or malformed. */
export function readBasic (header: string): BasicCredentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,8000}={0,2})\s*$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    // RFC 7617 B.1: clients from before the charset parameter send ISO 8859-1
    text = bytes.toString('latin1')
  }
  const colon = text.indexOf(':')
  // RFC 7617 2: neither part has control characters
  if (colon < 1 || /[\0-\x1f\x7f]/.test(text)) return undefined
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
