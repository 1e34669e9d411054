/** A line of two texts side by side: in both, or in one alone. */
export interface Line { readonly sign: ' ' | '-' | '+', readonly text: string }

/** The table of the comparison has at most so many cells. */
const mostCells = 16_000_000

/**
 * What makes one text of another, line by line, with the fewest changes.
 * @returns `isWhole`: what differs is too long to be compared line by line, and is shown as replaced as a whole
 */
export function compare (from: readonly string[], to: readonly string[]): { readonly lines: Line[], readonly isWhole: boolean } {
  let head = 0
  while (head < from.length && head < to.length && from[head] === to[head]) head++
  let tail = 0
  while (tail < from.length - head && tail < to.length - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail++
  const [old, young] = [from.slice(head, from.length - tail), to.slice(head, to.length - tail)]
  const isWhole = old.length * young.length > mostCells
  const middle = isWhole ? [...old.map(text => line('-', text)), ...young.map(text => line('+', text))] : between(old, young)
  return { lines: [...from.slice(0, head).map(text => line(' ', text)), ...middle, ...from.slice(from.length - tail).map(text => line(' ', text))], isWhole }
}

function line (sign: Line['sign'], text: string): Line {
  return { sign, text }
}

// longest common subsequence: cell (row, column) = how long it is from there on
function between (old: readonly string[], young: readonly string[]): Line[] {
  const width = young.length + 1
  const longest = new Uint32Array((old.length + 1) * width)
  const at = (row: number, column: number): number => longest[row * width + column] ?? 0
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = young.length - 1; column >= 0; column--) {
      longest[row * width + column] = old[row] === young[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: Line[] = []
  for (let [row, column] = [0, 0]; row < old.length || column < young.length;) {
    const [gone, come] = [old[row], young[column]]
    if (gone !== undefined && gone === come) {
      lines.push(line(' ', gone))
      row++
      column++
    } else if (gone !== undefined && (come === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(line('-', gone))
      row++
    } else {
      lines.push(line('+', come ?? ''))
      column++
    }
  }
  return lines
}

/** Part of a comparison: some lines that differ, with those around them. */
export interface Hunk { readonly head: string, readonly lines: readonly Line[] }

/** The parts that differ, each with three lines around it. `head` is as in a unified diff: '@@ -1,4 +1,5 @@'. */
export function hunks (lines: readonly Line[], around = 3): Hunk[] {
  const parts: { start: number, end: number }[] = []
  for (const [row, { sign }] of lines.entries()) {
    if (sign === ' ') continue
    const last = parts.at(-1)
    if (last !== undefined && row - around <= last.end) last.end = row + around + 1
    else parts.push({ start: Math.max(0, row - around), end: row + around + 1 })
  }
  return parts.map(({ start, end }) => {
    const some = lines.slice(start, end)
    return { head: `@@ -${reach(lines, start, some, '+')} +${reach(lines, start, some, '-')} @@`, lines: some }
  })
}

function reach (all: readonly Line[], start: number, some: readonly Line[], other: Line['sign']): string {
  const count = some.filter(({ sign }) => sign !== other).length
  const before = all.slice(0, start).filter(({ sign }) => sign !== other).length
  return `${count === 0 ? before : before + 1}${count === 1 ? '' : `,${count}`}`
}

/** The content lines of a calendar object, unfolded; of another text its lines; `undefined` for what is no text. */
export function linesOf (bytes: Buffer): string[] | undefined {
  if (bytes.length === 0) return []
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  const text = bytes.toString('utf8')
  const isCalendar = /^\ufeff?BEGIN:V/i.test(text)
  const lines = (isCalendar ? text.replace(/\r?\n[ \t]/g, '') : text).split(/\r?\n/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
