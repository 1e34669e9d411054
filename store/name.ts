import { StoreError } from './error.js'

const longest = 255

/**
 * The file name for a decoded URL segment: the same UTF-8 text, checked.
 * @throws StoreError bad-name: empty, `.`, `..`, leading dot, `/`, NUL or control characters, over 255 bytes, a lone surrogate
 */
export function fileName (segment: string): string {
  const problem = segment === ''
    ? 'is empty'
    : segment.startsWith('.')
      ? 'begins with a dot: such names belong to the system'
      : /[/\u0000-\u001f\u007f]/.test(segment)
        ? 'holds a slash or a control character'
        : /\p{Surrogate}/u.test(segment)
          ? 'is not well-formed Unicode'
          : Buffer.byteLength(segment) > longest
            ? `is ${Buffer.byteLength(segment)} bytes long; ${longest} is the most a file name can have`
            : isIgnored(segment) ? 'looks like the temporary file of an editor, which is never served' : undefined
  if (problem !== undefined) throw new StoreError('bad-name', `the name ${JSON.stringify(segment.slice(0, 80))} ${problem}`)
  return segment
}

/**
 * Names that are never served, indexed or listed: the system's and editors' own (dot names, `x~`, `#x#`, `x.swp`) and the
 * unfinished files of copying tools (`x.part`, `.x.ics.Ab3dEf` of rsync begins with a dot). A name that ends in `.ics` is an event.
 */
export function isIgnored (name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || (name.startsWith('#') && name.endsWith('#')) ||
    /\.(?:sw[a-p]|part|partial|crdownload|tmp|bak|orig|rej|rollback)$/i.test(name)
}

/** The other Unicode spelling of a name: HFS+ and some copying tools write NFD where clients ask for NFC. `undefined` when there is none. */
export function otherSpelling (name: string): string | undefined {
  const composed = name.normalize('NFC')
  const other = composed === name ? name.normalize('NFD') : composed
  return other === name ? undefined : other
}
