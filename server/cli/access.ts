import { StoreError } from '../../store/error.js'
import { changeAccess, levels, principalFor, type Change, type Level } from '../admin/access.js'
import { asOwner } from '../admin/owner.js'
import { openPeople } from '../admin/people.js'
import { AdminError, account, pathOf, place, titleOf, type Place } from '../admin/place.js'
import { inForce, isClosed, otherWays } from '../admin/words.js'
import { href } from '../dav/href.js'
import type { Rules } from '../site/site.js'
import { ArgumentError, parseArguments, type Usage } from './arguments.js'
import { print, printJson, say } from './print.js'
import { columns } from './table.js'
import { files, printHelp, settingsFor, tell, type Io } from './user.js'

/** How `access` is called. */
export const accessUsage = {
  command: 'caldavd access', operands: ['CALENDAR'],
  meaning: 'Shows and changes who may do what with a calendar like users/alice/work. WHO is an account (bob, groups/club),\n' +
    '"everyone" (who has logged in) or "public" (also without a login). A running server sees it at once.',
  options: {
    grant: { kind: 'texts', value: 'WHO=LEVEL', meaning: 'let somebody "read", "write" (read and change), or see "busy" time' },
    revoke: { kind: 'texts', value: 'WHO', meaning: 'take back what somebody was granted' },
    json: { kind: 'switch', meaning: 'show it as JSON' },
    ...files
  }
} as const satisfies Usage

/** `caldavd access`: shows and changes the access control list of a collection. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function access (argv: readonly string[], io: Io): Promise<number> {
  try {
    const { options, operands: [typed = ''], help } = parseArguments(accessUsage, argv)
    if (help) return printHelp(accessUsage, io)
    const asked = [...options.grant.map(readGrant), ...options.revoke.map(who => ({ who, level: undefined }))]
    const settings = settingsFor(options, io)
    const { directory } = await openPeople(settings, text => { say(io, text) })
    const rules: Rules = { settings, directory }
    const where = place(rules, typed)
    const told = asked.length > 0 ? await change(rules, where, asked) : []
    if (options.json) await printJson(io, accessJson(rules, where))
    else await print(io, [...told, ...told.length === 0 ? [] : [''], ''].join('\n') + shown(rules, where))
    return 0
  } catch (error) {
    if (!(error instanceof AdminError) && !(error instanceof StoreError)) return tell(error, io)
    say(io, error.message)
    return 1
  }
}

interface Asked { readonly who: string, readonly level: Level | undefined }

/** @throws ArgumentError */
function readGrant (text: string): Asked {
  const [, who, word] = /^(.+)=([^=]*)$/.exec(text) ?? []
  const level = (Object.keys(levels) as Level[]).find(one => one === word)
  if (who === undefined || level === undefined) throw new ArgumentError(`--grant ${text}: expected WHO=LEVEL, where LEVEL is ${Object.keys(levels).join(', ')}: --grant bob=read`)
  if (who === 'public' && level === 'write') throw new ArgumentError('--grant public=write: whoever finds the server could change it; everyone=write is for all who have logged in')
  return { who, level }
}

/** @returns what was changed, in sentences */
async function change (rules: Rules, where: Place, asked: readonly Asked[]): Promise<string[]> {
  const changes = asked.map(({ who, level }): Change => ({ who, level, principal: principalFor(rules.directory, who) }))
  const keys = changes.map(({ principal }) => principal.type === 'href' ? principal.href : principal.type)
  const twice = keys.findIndex((key, at) => keys.indexOf(key) !== at)
  if (twice >= 0) throw new ArgumentError(`${changes[twice]?.who ?? ''} is named twice`)
  const made = await asOwner(rules.settings.data.documents, async () => await changeAccess(rules, where, changes))
  const path = pathOf(where)
  return changes.map(one => {
    if (one.level === undefined) return made.includes(one) ? `${one.who} has no longer what was granted on ${path}` : `${one.who} was granted nothing on ${path}${ways(rules, where, one)}`
    return `${one.who} may ${words[one.level]} ${path}${made.includes(one) ? '' : ' already'}`
  })
}

const words: Readonly<Record<Level, string>> = { read: 'read', write: 'read and change', busy: 'see busy time of' }

function ways (rules: Rules, where: Place, { who, principal }: Change): string {
  if (principal.type !== 'href' || who.startsWith('/')) return ''
  const others = otherWays(rules, where, account(rules.directory, who))
  return others.length === 0 ? '' : `; what ${who} may do comes from: ${others.join('; ')}`
}

function accessJson (rules: Rules, where: Place): unknown {
  return {
    path: pathOf(where),
    name: titleOf(where.collection.directory) ?? null,
    href: href(where.segments, true),
    isClosed: isClosed(rules, where),
    access: inForce(rules, where).map(({ who, may, why }) => ({ who, may, because: why }))
  }
}

function shown (rules: Rules, where: Place): string {
  const title = titleOf(where.collection.directory)
  const lines = inForce(rules, where)
  const head = [
    `${pathOf(where)}${title === undefined ? '' : `  ${JSON.stringify(title)}`}`,
    `${rules.settings.server.baseUrl ?? ''}${href(where.segments, true)}`,
    ...isClosed(rules, where) ? ['The home is closed (access-disabled): nobody but administrators may enter.'] : [],
    ''
  ]
  const isMixed = lines.some(({ may }) => may.startsWith('not: '))
  return head.map(line => `${line}\n`).join('') +
    columns([['WHO', 'MAY', 'BECAUSE'], ...lines.map(({ who, may, why }) => [who, may, why])]) +
    (isMixed ? '\nThe first line that speaks of something decides.\n' : '') + below(rules, where)
}

// a home shows what has been given away in it
function below (rules: Rules, { kind, home, owner, segments }: Place): string {
  if (kind !== 'home') return ''
  const rows = home.children('').flatMap(collection => {
    const one: Place = { kind: 'calendar', segments: [...segments, collection.path], owner, home, collection }
    const given = inForce(rules, one).filter(({ why }) => why.endsWith(' here')).map(({ who, may }) => `${who}: ${may}`)
    const title = titleOf(collection.directory)
    return collection.path === 'inbox' || collection.path === 'outbox' ? [] : [[pathOf(one), title === undefined ? '' : JSON.stringify(title), given.join('; ') || '-']]
  })
  return rows.length === 0 ? '' : '\n' + columns([['CALENDAR', 'NAME', 'SHARED WITH'], ...rows])
}
