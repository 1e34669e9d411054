/**
 * A distinguished name in one form, for comparing (RFC 4514, RFC 4518): without case, escapes resolved, spaces squeezed.
 * Only good as a key: it is no distinguished name any more. What is no distinguished name comes out in lower case.
 */
export function dnKey (dn: string): string {
  // Nothing to resolve, and there may be hundreds of thousands
  if (/^[\w=,.@'-]+$/.test(dn)) return dn.toLowerCase().replaceAll(',', '\u0002')
  return split(dn, ',').map(rdn => split(rdn, '+').map(assertion).sort().join('\u0001')).join('\u0002')
}

function assertion (text: string): string {
  const equals = text.indexOf('=')
  const type = text.slice(0, equals + 1).trim().toLowerCase().replace(/\s*=$/, '=')
  const value = plain(text.slice(equals + 1).trim())
  return type + value.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()
}

/** Cuts where no backslash stands before the sign. */
function split (text: string, sign: ',' | '+'): string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === sign) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  return [...parts, text.slice(from)]
}

/** '\2C' and '\,' → ','; a run of hex pairs is UTF-8. */
function plain (value: string): string {
  return value.replace(/(?:\\[\da-f]{2})+|\\([^])/gi, (found: string, sign: string | undefined) =>
    sign ?? Buffer.from(found.replaceAll('\\', ''), 'hex').toString('utf8'))
}
