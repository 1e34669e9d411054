import type { Component, Property } from './component.js'

const OCTETS = 75

/**
 * Component → text (RFC 5545 3.1): CRLF, folded at 75 octets on code point borders, parameters encoded (RFC 6868) and quoted where needed.
 * Values are written as they are, so they have to be escaped already.
 */
export function write (component: Component): string {
  const lines: string[] = []
  writeComponent(component, lines)
  return lines.join('')
}

function writeComponent ({ name, properties, components }: Component, lines: string[]): void {
  lines.push(`BEGIN:${name}\r\n`)
  for (const property of properties) lines.push(fold(contentLine(property)) + '\r\n')
  for (const component of components) writeComponent(component, lines)
  lines.push(`END:${name}\r\n`)
}

function contentLine ({ name, parameters, value }: Property): string {
  let line = name
  for (const key in parameters) line += `;${key}=${parameters[key]!.map(parameterValue).join(',')}`
  // A line feed in a value would end the property and begin another
  return `${line}:${/[\r\n]/.test(value) ? value.replace(/\r?\n|\r/g, '\\n') : value}`
}

/** RFC 6868 3.1, RFC 5545 3.1 param-value */
function parameterValue (value: string): string {
  const encoded = /[\^\r\n"]/.test(value)
    ? value.replace(/\r\n?|[\^\n"]/g, found => found === '^' ? '^^' : found === '"' ? "^'" : '^n')
    : value
  return /[,;:]/.test(encoded) ? `"${encoded}"` : encoded
}

/** RFC 5545 3.1: no line longer than 75 octets, the space of the fold included. */
function fold (line: string): string {
  if (line.length * 3 <= OCTETS) return line
  let folded = ''
  let start = 0
  let octets = 0
  for (let at = 0; at < line.length;) {
    const code = line.codePointAt(at) ?? 0
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (octets + size > OCTETS) {
      folded += line.slice(start, at) + '\r\n '
      start = at
      octets = 1
    }
    octets += size
    at += size === 4 ? 2 : 1
  }
  return start === 0 ? line : folded + line.slice(start)
}
