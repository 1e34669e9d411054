import { constants } from 'node:os'

/** Why the disk said no; what it means to a client is decided by whoever asked. */
export type Reason =
  | 'missing' // no such file or directory
  | 'exists' // something is there already
  | 'changed' // not what the caller had seen
  | 'bad-name' // a name that may not be used on disk
  | 'full' // no space, no quota, no inodes
  | 'read-only' // the file system, its permissions or a failing disk do not let us write
  | 'too-large' // a value or file over its limit
  | 'unreadable' // a file made by hand that cannot be served or replaced as it is
  | 'too-deep' // a directory below more others than are served

/** A refusal of the store, with the path it is about. */
export class StoreError extends Error {
  override readonly name = 'StoreError'

  constructor (readonly reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
  }
}

const reasons: Readonly<Record<string, Reason>> = {
  ENOENT: 'missing', ENOTDIR: 'missing', ELOOP: 'missing',
  EEXIST: 'exists', ENOTEMPTY: 'exists', EISDIR: 'exists',
  ENOSPC: 'full', EDQUOT: 'full', EMFILE: 'full', ENFILE: 'full',
  EROFS: 'read-only', EACCES: 'read-only', EPERM: 'read-only', EIO: 'read-only', EXDEV: 'read-only',
  ENAMETOOLONG: 'bad-name', EINVAL: 'bad-name', EILSEQ: 'bad-name', E2BIG: 'too-large', EFBIG: 'too-large'
}

/** The error code of the system (`ENOENT`), `undefined` when it is another kind of failure. */
export function codeOf (error: unknown): string | undefined {
  // libuv has no name for it
  if (error instanceof Error && 'errno' in error && Math.abs(Number(error.errno)) === constants.errno.EDQUOT) return 'EDQUOT'
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** A system error as `StoreError`, everything else as it is; `what` begins the sentence (`write work/1.ics`). */
export function translated (error: unknown, what: string): unknown {
  const reason = reasons[codeOf(error) ?? '']
  return reason === undefined ? error : new StoreError(reason, `cannot ${what}: ${(error as Error).message}`, { cause: error })
}
