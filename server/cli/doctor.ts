import { settingsFile } from '../../conf/load.js'
import { StoreError } from '../../store/error.js'
import type { Store } from '../../store/store.js'
import { examine, wardOf } from '../admin/doctor/doctor.js'
import { MendError, type Finding } from '../admin/doctor/finding.js'
import { scopeOf } from '../admin/doctor/scope.js'
import { checkOf, checks } from '../admin/doctor/table.js'
import { asOwner } from '../admin/owner.js'
import { AdminError } from '../admin/place.js'
import { guestStore } from '../admin/tree.js'
import { DavError } from '../dav/error.js'
import { ArgumentError, parseArguments, settingFlags, type Usage } from './arguments.js'
import { asJson, asText, Tally, type Outcome } from './doctor-words.js'
import { print, say } from './print.js'
import { probe, probeOptions } from './probe.js'
import { progress } from './progress.js'
import { files, printHelp, settingsFor, tell, type Io } from './user.js'

/** How `doctor` is called. */
export const doctorUsage = {
  command: 'caldavd doctor', operands: ['[PATH|URL]'],
  meaning: 'Looks for what is wrong with the files, or will be: everything, or below a home, calendar or file (alice/work). With the\n' +
    'address of a server it plays the calendar programs instead, and says which would fail where. The server may run.\n' +
    'Exit code: 0 nothing is wrong (notes do not count, nor what --fix has mended), 1 something is, 2 could not look.',
  options: {
    fix: { kind: 'switch', meaning: 'mend what can be mended without asking; what was goes to the history' },
    json: { kind: 'switch', meaning: 'as JSON, one array of findings' },
    ...files, ...probeOptions
  }
} as const satisfies Usage

/** `caldavd doctor`. @returns the exit code: 0 clean, 1 findings, 2 could not run */
export async function doctor (argv: readonly string[], io: Io): Promise<number> {
  try {
    const { options, operands: [operand], help } = parseArguments(doctorUsage, argv)
    if (help) {
      printHelp(doctorUsage, io)
      await print(io, overview())
      return 0
    }
    if (operand !== undefined && /^https?:\/\//i.test(operand)) return await probe(operand, options, io)
    if (options.user !== undefined) throw new ArgumentError('--user goes with the address of a server: caldavd doctor https://cal.example.org/ --user NAME')
    return await asPatient(options, operand, io)
  } catch (error) {
    if (!(error instanceof AdminError || error instanceof StoreError)) {
      tell(error, io)
      return 2
    }
    say(io, error.message)
    return 2
  }
}

interface Options { readonly fix: boolean, readonly json: boolean, readonly data?: string | undefined, readonly config?: string | undefined, readonly accounts?: string | undefined }

async function asPatient (options: Options, operand: string | undefined, io: Io): Promise<number> {
  const settings = settingsFor(options, io)
  const file = settingsFile({ file: options.config, environment: io.environment, flags: settingFlags(options) })
  return await asOwner(settings.data.documents, async () => {
    const ward = wardOf(settings)
    const scope = scopeOf(ward.documents, operand)
    const bar = progress(io, options.fix ? 'Looking and mending' : 'Looking')
    const store = options.fix ? guestStore(settings, text => { said(io, text) }) : undefined
    const tally = new Tally()
    try {
      for await (const finding of examine(ward, { scope, settingsFile: file, progress: ({ done, all }) => { bar.step(done, all) } })) {
        const outcome = store === undefined || finding.mend === undefined ? undefined : await mended(store, finding)
        bar.end()
        await print(io, options.json ? asJson(finding, outcome, tally.isEmpty) : asText(finding, outcome))
        tally.count(finding, outcome)
      }
    } finally {
      bar.end()
      await store?.close()
    }
    await print(io, options.json ? (tally.isEmpty ? '[]\n' : '\n]\n') : tally.text(options.fix))
    return tally.isClean ? 0 : 1
  })
}

// the findings say it
function said (io: Io, text: string): void {
  if (!/ is not served as it is: | has the UID of |put back the properties of /.test(text)) say(io, text)
}

async function mended (store: Store, { mend }: Finding): Promise<Outcome> {
  try {
    await mend?.(store)
    return { isFixed: true }
  } catch (error) {
    const isExpected = error instanceof MendError || error instanceof StoreError || error instanceof DavError || (error instanceof Error && 'syscall' in error)
    if (!isExpected) throw error
    return { isFixed: false, why: error.message }
  }
}

/** What is looked at, for --help. */
function overview (): string {
  const width = Math.max(...Object.keys(checks).map(name => name.length))
  const rows = Object.keys(checks).map(name => {
    const { meaning, fix } = checkOf(name as keyof typeof checks)
    return `  ${name.padEnd(width)}  ${meaning}${fix === undefined ? '' : `; --fix ${fix}`}`
  })
  return ['', 'It finds:', ...rows, ''].join('\n')
}
