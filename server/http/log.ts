import type { Settings } from '../../conf/settings.js'
import type { Log } from '../site/site.js'

const levels = ['error', 'warn', 'info', 'debug'] as const

/** Messages to standard error: one line each, as text or JSON. @param settings  asked for each message, since they may change */
export function makeLog (settings: () => Settings, write: (line: string) => void = line => { process.stderr.write(line) }): Log {
  const at = (level: typeof levels[number]) => (message: string): void => {
    const { log } = settings()
    if (levels.indexOf(level) > levels.indexOf(log.level)) return
    const time = new Date().toISOString()
    // names of files may hold anything; what controls a terminal is written out
    const clean = message.replace(/[\0-\x09\x0b-\x1f\x7f\x80-\x9f]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    const line = clean.replaceAll('\n', log.format === 'json' ? '\n' : '\n    ')
    write(log.format === 'json' ? `${JSON.stringify({ time, level, message: line })}\n` : `${time} ${level.padEnd(5)} ${line}\n`)
  }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
