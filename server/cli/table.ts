/** Rows as text in columns; the widths are those of the longest cells, the last column is as long as it is. */
export function columns (rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => width(row[column] ?? ''))))
  return rows.map(row => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ').trimEnd() + '\n').join('')
}

// letters with accents in two characters take one place
function width (cell: string): number {
  return [...cell.normalize('NFC')].length
}
