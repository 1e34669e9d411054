import type { Settings } from '../../conf/settings.js'
import type { Log } from '../site/site.js'

const levels = ['error', 'warn', 'info', 'debug'] as const

/** Messages to standard error: one line each, as text or JSON. @param settings  asked for each message, since they may change */
export function makeLog (settings: () => Settings, write: (line: string) => void = line => { process.stderr.write(line) }): Log {
  const at = (level: typeof levels[number]) => (message: string): void => {
    const { log } = settings()
    if (levels.indexOf(level) > levels.indexOf(log.level)) return
    const time = new Date().toISOString()
    const line = message.replaceAll('\n', log.format === 'json' ? '\n' : '\n    ')
    write(log.format === 'json' ? `${JSON.stringify({ time, level, message: line })}\n` : `${time} ${level.padEnd(5)} ${line}\n`)
  }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
