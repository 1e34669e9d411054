import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { supported } from '../../store/attribute.js'
import { freeBytes } from '../../store/space.js'

/** The checkout, whether we run from it or from dist/. */
const root = rootAbove(dirname(fileURLToPath(import.meta.url)))

function rootAbove (directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : rootAbove(dirname(directory))
}

/** Why nothing can be tested here, as one line; `undefined` when it can. */
export function lack (): string | undefined {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } }
  if (report.header?.glibcVersionRuntime === undefined) return 'calls are intercepted on Linux with glibc only'
  if (spawnSync('cc', ['--version']).status !== 0) return 'not installed: cc (build-essential)'
  return existsSync(join(root, 'dist', 'server', 'main.js')) ? undefined : 'dist/server/main.js is missing: npm run build'
}

/** Where data of a test may lie: in memory where that keeps extended attributes, since flushing costs nothing there, and on the disk. */
export function places (): { readonly fast: string, readonly disk: string } {
  const disk = tmpdir()
  return { fast: isFast('/dev/shm') ? '/dev/shm' : disk, disk }
}

function isFast (directory: string): boolean {
  try {
    const probe = mkdtempSync(join(directory, 'caldavd-crash-probe-'))
    try {
      return supported(probe) && (freeBytes(directory) ?? 0) > 256 * 1024 * 1024
    } finally {
      rmSync(probe, { recursive: true })
    }
  } catch {
    return false
  }
}

/** What a process that is to be killed is started with. */
export interface Tools { readonly library: string, readonly program: string }

/** Compiles the interposed library into a directory, and the program beside the built server. @throws Error with what the compiler says */
export function makeTools (directory: string): Tools {
  const library = join(directory, 'interpose.so')
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-fvisibility=hidden', '-o', library, join(root, 'tests', 'crash', 'interpose.c'), '-ldl'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const program = join(root, 'dist', 'tests', 'crash', 'child.js')
  const source = readFileSync(join(root, 'tests', 'crash', 'child.ts'), 'utf8')
  const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true } })
  mkdirSync(dirname(program), { recursive: true })
  if (!existsSync(program) || readFileSync(program, 'utf8') !== outputText) writeFileSync(program, outputText)
  return { library, program }
}
