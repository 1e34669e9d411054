/**
 * The copies a record with `repeat` stands for: Python 2's `text % number`.
 * A text without `%` stays as it is. `undefined` when Python would fail: two conversions, none, or a lone `%`.
 */
export function numbered (text: string, number: number): string | undefined {
  if (!text.includes('%')) return text
  let conversions = 0
  let isWrong = false
  const result = text.replace(/%(?:(%)|([-0+ ]{0,4})(\d{0,2})([diusxXo]))?/g, (whole, percent: string | undefined, flags: string | undefined, width: string | undefined, kind: string | undefined) => {
    if (percent !== undefined) return '%'
    if (kind === undefined) { isWrong = true; return whole }
    conversions++
    return padded(digits(number, kind), flags ?? '', Number(width ?? 0), kind)
  })
  return isWrong || conversions !== 1 ? undefined : result
}

function digits (number: number, kind: string): string {
  if (kind === 'x') return number.toString(16)
  if (kind === 'X') return number.toString(16).toUpperCase()
  return number.toString(kind === 'o' ? 8 : 10)
}

function padded (digits: string, flags: string, width: number, kind: string): string {
  const sign = kind === 's' ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
  if (flags.includes('-')) return (sign + digits).padEnd(width)
  if (flags.includes('0') && kind !== 's') return sign + digits.padStart(width - sign.length, '0')
  return (sign + digits).padStart(width)
}
