import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** What a reader needs to judge the figures; neither the name of the host nor a path of it. */
export function machine (): string[] {
  const cpus = os.cpus()
  return [
    `processor: ${cpus[0]?.model ?? 'unknown'}, ${cpus.length} cores; ${Math.round(os.totalmem() / 2 ** 30)} GiB of memory`,
    `system: ${system()}, Linux ${os.release().replace(/^(\d+\.\d+).*/, '$1')}, ${filesystem()} for the data, page cache warm`,
    `Node ${process.versions.node}`
  ]
}

function system (): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type()
  } catch {
    return os.type()
  }
}

function filesystem (): string {
  return execFileSync('stat', ['-f', '-c', '%T', os.tmpdir()], { encoding: 'utf8' }).trim().replace('ext2/ext3', 'ext4')
}
