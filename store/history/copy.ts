import { isUtf8 } from 'node:buffer'
import { constants, mkdirSync } from 'node:fs'
import { copyFile, lstat, readdir, utimes } from 'node:fs/promises'
import * as attribute from '../attribute.js'
import { translated } from '../error.js'

/** Absolute; as octets when it holds a name that is not UTF-8. */
type Path = string | Buffer

/**
 * Copies a directory with all it holds, extended attributes and times included; links and special files stay behind. A name that is not
 * UTF-8 keeps its octets, what is copied under it loses its attributes. Gives way to others between files.
 * @param to  must not be there
 * @throws StoreError
 */
export async function copyAside (from: Path, to: Path): Promise<void> {
  try {
    mkdirSync(to)
    for (const entry of await readdir(from, { withFileTypes: true, encoding: 'buffer' })) {
      const name = entry.name as unknown as Buffer
      const [source, target] = [below(from, name), below(to, name)]
      if (entry.isDirectory()) await copyAside(source, target)
      else if (entry.isFile()) await copyOne(source, target)
    }
    await sameFacts(from, to)
  } catch (error) {
    throw translated(error, `copy ${String(from)}`)
  }
}

function below (directory: Path, name: Buffer): Path {
  return typeof directory === 'string' && isUtf8(name) ? `${directory}/${name.toString()}` : Buffer.concat([Buffer.from(directory as string), Buffer.from('/'), name])
}

/** Copies a file with its extended attributes and times. @param to  must not be there @throws StoreError */
export async function copyOne (from: Path, to: Path): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL)
    await sameFacts(from, to)
  } catch (error) {
    throw translated(error, `copy ${String(from)}`)
  }
}

async function sameFacts (from: Path, to: Path): Promise<void> {
  if (typeof from === 'string' && typeof to === 'string') attribute.copy(from, to)
  const stats = await lstat(from)
  await utimes(to, stats.atime, stats.mtime)
}
