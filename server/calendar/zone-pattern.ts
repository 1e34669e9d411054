/**
 * What a pattern of RFC 7808 5.5 matches: `*` before, behind or around a text; ASCII case and `_` against a blank make no difference.
 * @returns undefined when it is wrong: a `*` in the middle, a `\` before anything but `*` or `\`, or no text
 */
export function matcher (pattern: string): ((name: string) => boolean) | undefined {
  const isEnd = pattern.startsWith('*')
  const rest = isEnd ? pattern.slice(1) : pattern
  const parts = [...rest.matchAll(/\\[\\*]|[^\\*]|[\\*]/gu)].map(([part]) => part)
  const isStart = parts.at(-1) === '*'
  if (isStart) parts.pop()
  if (parts.length === 0 || parts.includes('*') || parts.includes('\\')) return undefined
  const text = plain(parts.map(part => part.length === 2 && part.startsWith('\\') ? part.slice(1) : part).join(''))
  return name => {
    const found = plain(name)
    return isEnd ? isStart ? found.includes(text) : found.endsWith(text) : isStart ? found.startsWith(text) : found === text
  }
}

function plain (text: string): string {
  return text.replace(/_/g, ' ').replace(/[A-Z]/g, letter => letter.toLowerCase())
}
