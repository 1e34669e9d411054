/** A table: the first row holds the headings. Numbers come as finished text. */
export type Table = readonly (readonly string[])[]

/** Columns padded with blanks; all but the first `left` to the right. */
export function plain (table: Table, left: number): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map(row => (row[column] ?? '').length)))
  return table.map(row => row.map((cell, column) => {
    const width = widths[column] ?? 0
    return column < left ? cell.padEnd(width) : cell.padStart(width)
  }).join('  ').trimEnd()).join('\n') + '\n'
}

/** The same as a Markdown table. */
export function markdown (table: Table, left: number): string {
  const [head = [], ...rows] = table
  const rule = head.map((_, column) => column < left ? '---' : '---:')
  return [head, rule, ...rows].map(row => `| ${row.join(' | ')} |`).join('\n') + '\n'
}

/** Three significant digits, thousands with a comma; `-` for what was not measured. */
export function figure (value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A factor, `12×`. */
export function times (value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '-' : `${figure(value)}×`
}

/** Bytes as MB (10^6). */
export function megabytes (bytes: number | undefined): string {
  return bytes === undefined ? '-' : (bytes / 1e6).toFixed(0)
}
