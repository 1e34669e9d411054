/** Rows as text in columns; the widths are those of the longest cells, the last column is as long as it is. */
export function columns (rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => width(row[column] ?? ''))))
  return rows.map(row => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ').trimEnd() + '\n').join('')
}

/** How many places a text takes: letters with accents one, those of East Asia and pictures two, colours of a terminal none. */
export function width (cell: string): number {
  const plain = cell.replace(/\x1b\[[\d;]*m/g, '').normalize('NFC')
  return /^[\x20-\x7e]*$/.test(plain) ? plain.length : [...plain.replace(/[\p{M}\u200d\ufe0f]/gu, '')].reduce((sum, letter) => sum + (wide.test(letter) ? 2 : 1), 0)
}

const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
