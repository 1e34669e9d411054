import { AppPasswords } from '../../directory/app-password.js'
import { AccountsError } from '../../directory/accounts.js'
import type { Directory } from '../../directory/directory.js'
import { recordTypes } from '../../directory/record.js'
import { openPeople } from '../people.js'
import type { DiskHome } from './disk.js'
import { shown, type Finding } from './finding.js'
import type { Ward } from './ward.js'

/** Who there is; `undefined` when the accounts cannot be read, which is a finding. */
export interface Census { readonly directory: Directory | undefined, readonly findings: readonly Finding[] }

/** Reads accounts, proxies and app passwords as the server does. */
export async function census ({ settings }: Ward): Promise<Census> {
  const findings: Finding[] = []
  const warnings: string[] = []
  const warn = (text: string): void => { warnings.push(text) }
  const log = { info: () => {}, warn, error: warn }
  const tried = async <T>(file: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AccountsError)) throw error
      findings.push(findingOf(file, error.message, 'mend it: until then a running server goes on with what it read before, and none can be started'))
      return undefined
    }
  }
  const people = await tried(settings.accounts.file, async () => await openPeople(settings, warn))
  await tried(settings.accounts.appPasswords, async () => await AppPasswords.open({ file: settings.accounts.appPasswords, log }))
  for (const warning of warnings) findings.push(findingOf(settings.accounts.file, warning, 'mend it'))
  // a directory server that does not answer knows accounts that nobody can name now
  const isWhole = settings.ldap.url === undefined || !warnings.some(text => text.startsWith(settings.ldap.url ?? ''))
  return { directory: isWhole ? people?.directory : undefined, findings }
}

function findingOf (file: string, text: string, hand: string): Finding {
  // messages begin with the file they are about, which need not be the one that was asked for
  const [, named, line, rest] = /^(\/[^:,]*)(?:, line (\d+))?: (.*)$/s.exec(text) ?? []
  return { check: 'accounts', path: named ?? file, line: line === undefined ? undefined : Number(line), message: rest ?? text, hand }
}

/** Homes that nobody has. */
export function * orphans (directory: Directory, homes: readonly DiskHome[]): Generator<Finding> {
  for (const { segments: [, type = '', name = ''], directory: path } of homes) {
    if (name === '') continue
    const known = recordTypes.find(one => one === type)
    if (known !== undefined && directory.byName(known, name) !== undefined) continue
    yield {
      check: 'home-without-account',
      path: shown(path),
      message: known === undefined ? `nothing that is called ${shown(type)} has calendars: expected one of ${recordTypes.join(', ')}` : `there is no account ${type}/${shown(name)}: nobody can open these calendars`,
      hand: known === 'users' ? `caldavd user add ${shown(name)} gives them to a new user of that name; or move them away` : 'add the account, or move the directory away'
    }
  }
}
