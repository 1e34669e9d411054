import { calendarsBelow, homes, shownPath, spot } from '../admin/files/spot.js'
import { AdminError, type Place } from '../admin/place.js'
import type { Site } from '../site/site.js'
import { ArgumentError, chooseCommand, parseArguments, type Option, type Usage } from './arguments.js'
import { wordsOf, type Commands } from './command.js'
import { print } from './print.js'
import { treeCommand, treeOptions } from './tree-command.js'
import { printHelp, type Io } from './user.js'

/** How `completion` is called. */
export const completionUsage = {
  command: 'caldavd completion', operands: ['bash|zsh|fish|paths', '[START]'],
  meaning: 'Prints what lets a shell complete commands, options and paths of calendars:\n\n' +
    '  bash   source <(caldavd completion bash)      in ~/.bashrc\n' +
    '  zsh    caldavd completion zsh > _caldavd      in a directory of $fpath\n' +
    '  fish   caldavd completion fish > ~/.config/fish/completions/caldavd.fish\n\n' +
    '"paths" is what they ask: the paths that begin with START.',
  options: treeOptions
} as const satisfies Usage

/** `caldavd completion`, made from the table of commands. @returns the exit code: 0 done, 1 failed, 2 wrong command line */
export async function completion (argv: readonly string[], io: Io, commands: Commands): Promise<number> {
  const { operands: [shell, start = ''], help } = parseArguments(completionUsage, argv)
  if (help) return printHelp(completionUsage, io)
  if (shell === 'paths') {
    // nobody wants to read of a problem while typing
    return await treeCommand(completionUsage, argv, { ...io, stderr: nowhere(io) }, async site => {
      for (const path of pathsFrom(site, start)) await print(io, `${path}\n`)
      return 0
    })
  }
  if (start !== '') throw new ArgumentError(`${JSON.stringify(start)} is one word too many: START goes with "paths"`)
  await print(io, chooseCommand('completion', scripts, shell)(commands))
  return 0
}

function nowhere ({ stderr }: Io): Io['stderr'] {
  return Object.assign(Object.create(stderr) as Io['stderr'], { write: () => true })
}

/** Paths that go on from what was typed: homes, then their calendars, then the files. */
function pathsFrom (site: Site, start: string): string[] {
  const around = start.slice(0, start.lastIndexOf('/') + 1)
  const found = homes(site)
  if (around === '') return found.map(each => `${shownPath(each)}/`).filter(path => path.startsWith(start))
  return placesAt(site, around, found).flatMap(place => place.collection.holdsObjects
    ? place.home.members(place.collection).map(({ name }) => shownPath(place, name))
    : calendarsBelow(place).map(each => shownPath(each))).filter(path => path.startsWith(start))
}

function placesAt (site: Site, around: string, found: readonly Place[]): Place[] {
  try {
    return [spot(site, around)]
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    return found.filter(each => shownPath(each).startsWith(around))
  }
}

const scripts: Readonly<Record<string, (commands: Commands) => string>> = { bash, zsh, fish }

/** What may stand where a value or operand is asked for. */
type Kind = 'file' | 'directory' | 'path' | 'text'

const kindsOfValues: Readonly<Record<string, Kind>> = { FILE: 'file', DIR: 'directory', PATH: 'path', CALENDAR: 'path', TO: 'path' }

function kindOf (value: string | undefined): Kind {
  return kindsOfValues[/[A-Z]+/.exec(value ?? '')?.[0] ?? ''] ?? 'text'
}

/** The words that may stand for an operand like 'bash|zsh'; capitals stand for something else. */
function choices ({ operands = [] }: Usage): string[] {
  return operands.flatMap(operand => /[a-z]\|/.test(operand) ? operand.replace(/[[\]…]/g, '').split('|') : [])
}

function operandKind ({ operands = [] }: Usage): Kind {
  return operands.map(kindOf).find(kind => kind !== 'text') ?? 'text'
}

const help: Option = { kind: 'switch', short: 'h', meaning: 'say how it is called' }

function optionsOf ({ options }: Usage): [string, Option][] {
  return [...Object.entries<Option>(options), ['help', help]]
}

/** As they are typed: '--data', '-c'. */
function flagsOf (options: readonly (readonly [string, Option])[]): string[] {
  return options.flatMap(([name, { short }]) => [`--${name}`, ...short === undefined ? [] : [`-${short}`]])
}

function firstWords (commands: Commands): string[] {
  return [...Object.keys(commands), 'help']
}

/** The commands that have words of their own, with these. */
function nested (commands: Commands): [string, Usage[]][] {
  return Object.entries(commands).flatMap(([name, { usages }]) => {
    const own = usages.filter(usage => wordsOf(usage).length > 1)
    return own.length === 0 ? [] : [[name, own]]
  })
}

function allUsages (commands: Commands): Usage[] {
  return Object.values(commands).flatMap(({ usages }) => usages)
}

/** The first line of a meaning, without what shells read otherwise. */
function brief (meaning: string): string {
  return (meaning.split('\n')[0] ?? '').replace(/["'`$\\[\]:]/g, '')
}

function bash (commands: Commands): string {
  const rows = allUsages(commands).map(usage => {
    const options = optionsOf(usage)
    const of = (kind: Kind): string => flagsOf(options.filter(([, option]) => option.kind !== 'switch' && kindOf(option.value) === kind)).join(' ')
    return `    '${wordsOf(usage).join(' ')}') options='${flagsOf(options).join(' ')}' file='${of('file')}' directory='${of('directory')}' path='${of('path')}' text='${of('text')}' operand=${operandKind(usage)} words='${choices(usage).join(' ')}' ;;`
  })
  return `# completion of caldavd for bash
_caldavd () {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} name=\${COMP_WORDS[1]-} kind= at
  local options= file= directory= path= text= operand= words= tree=()
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then COMPREPLY=($(compgen -W '${firstWords(commands).join(' ')}' -- "$word")); return; fi
  case $name in
${nested(commands).map(([name, usages]) => `    ${name}) if (( COMP_CWORD == 2 )); then COMPREPLY=($(compgen -W '${usages.map(usage => wordsOf(usage)[1] ?? '').join(' ')}' -- "$word")); return; fi; name="$name \${COMP_WORDS[2]}" ;;`).join('\n')}
  esac
  case $name in
${rows.join('\n')}
    *) return ;;
  esac
  for kind in file directory path text; do [[ " \${!kind} " == *" $before "* ]] && break; kind=; done
  if [[ -z $kind && $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); return; fi
  if [[ -z $kind && -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); return; fi
  case \${kind:-$operand} in
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")) ;;
    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$word")) ;;
    path)
      for (( at = 2; at + 1 < \${#COMP_WORDS[@]}; at++ )); do case \${COMP_WORDS[at]} in --data|--config|-c) tree+=("\${COMP_WORDS[at]}" "\${COMP_WORDS[at+1]}") ;; esac; done
      local IFS=$'\\n'
      COMPREPLY=($("\${COMP_WORDS[0]}" completion paths "\${tree[@]}" -- "$word" 2>/dev/null))
      compopt -o filenames 2>/dev/null
      [[ \${#COMPREPLY[@]} == 1 && $COMPREPLY == */ ]] && compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _caldavd caldavd
`
}

const zshKinds: Readonly<Record<Kind, string>> = { file: '_files', directory: '_files -/', path: '_caldavd_paths', text: ' ' }

function zsh (commands: Commands): string {
  const described = (rows: readonly (readonly [string, string])[]): string => rows.map(([name, meaning]) => `'${name}:${brief(meaning)}'`).join(' ')
  const specs = (usage: Usage): string => [
    ...optionsOf(usage).flatMap(([name, option]) => {
      const value = option.kind === 'switch' ? '' : `:${(option.value ?? 'TEXT').replace(/[^\w]/g, ' ')}:${zshKinds[kindOf(option.value)]}`
      return [...option.short === undefined ? [] : [`-${option.short}`], `--${name}`].map(flag => `'${option.kind === 'texts' ? '*' : ''}${flag}[${brief(option.meaning)}]${value}'`)
    }),
    choices(usage).length > 0 ? `'*:word:(${choices(usage).join(' ')})'` : `'*:word:${zshKinds[operandKind(usage)]}'`
  ].join(' ')
  const cases = allUsages(commands).map(usage => `    '${wordsOf(usage).join(' ')}') _arguments -s ${specs(usage)} ;;`)
  return `#compdef caldavd
# completion of caldavd for zsh
_caldavd_paths () {
  local -a found tree
  local at
  for (( at = 2; at < \${#_caldavd_words}; at++ )); do case \${_caldavd_words[at]} in --data|--config|-c) tree+=("\${_caldavd_words[at]}" "\${_caldavd_words[at+1]}") ;; esac; done
  found=("\${(@f)$(\${_caldavd_words[1]} completion paths "\${tree[@]}" -- "$PREFIX" 2>/dev/null)}")
  compadd -S '' -- \${found:#}
}
_caldavd () {
  local -a _caldavd_words=("\${words[@]}")
  local name=\${words[2]}
  if (( CURRENT == 2 )); then local -a first=(${described(Object.entries(commands).map(([name, { meaning }]) => [name, meaning]))}); _describe command first; return; fi
  case $name in
${nested(commands).map(([name, usages]) => `    ${name}) if (( CURRENT == 3 )); then local -a second=(${described(usages.map(usage => [wordsOf(usage)[1] ?? '', usage.meaning]))}); _describe command second; return; fi; name="$name \${words[3]}"; shift words; (( CURRENT-- )) ;;`).join('\n')}
  esac
  shift words; (( CURRENT-- ))
  case $name in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _caldavd ]]; then _caldavd "$@"; else compdef _caldavd caldavd; fi
`
}

const fishKinds: Readonly<Record<Kind, string>> = { file: '-r -F', directory: "-x -a '(__fish_complete_directories)'", path: "-x -a '(__caldavd_paths)'", text: '-x' }

function fish (commands: Commands): string {
  const lines = Object.entries(commands).map(([name, { meaning }]) => `complete -c caldavd -n '__caldavd_at' -a ${name} -d '${brief(meaning)}'`)
  for (const [name, usages] of nested(commands)) {
    for (const usage of usages) lines.push(`complete -c caldavd -n '__caldavd_at ${name}' -a ${wordsOf(usage)[1] ?? ''} -d '${brief(usage.meaning)}'`)
  }
  for (const usage of allUsages(commands)) {
    const where = `-n '__caldavd_in ${wordsOf(usage).join(' ')}'`
    for (const [name, option] of optionsOf(usage)) {
      lines.push(`complete -c caldavd ${where} -l ${name}${option.short === undefined ? '' : ` -s ${option.short}`} -d '${brief(option.meaning)}'${option.kind === 'switch' ? '' : ` ${fishKinds[kindOf(option.value)]}`}`)
    }
    const words = choices(usage)
    const kind = operandKind(usage)
    if (words.length > 0) lines.push(`complete -c caldavd ${where} -a '${words.join(' ')}'`)
    else if (kind === 'path') lines.push(`complete -c caldavd ${where} -a '(__caldavd_paths)'`)
    else if (kind !== 'text') lines.push(`complete -c caldavd ${where} -F`)
  }
  return `# completion of caldavd for fish
function __caldavd_at
  set -l words (commandline -opc)
  test "$words[2..-1]" = "$argv"
end
function __caldavd_in
  set -l words (commandline -opc)
  set -l last (math (count $argv) + 1)
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __caldavd_paths
  set -l words (commandline -opc)
  set -l tree
  for at in (seq 2 (count $words))
    contains -- $words[$at] --data --config -c; and set -a tree $words[$at] $words[(math $at + 1)]
  end
  $words[1] completion paths $tree -- (commandline -ct) 2>/dev/null
end
complete -c caldavd -f
${lines.join('\n')}
`
}
