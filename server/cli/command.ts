import type { Usage } from './arguments.js'
import type { Io } from './user.js'

/** A row of the table of commands. */
export interface Command {
  readonly meaning: string
  /** How it is called; several for one with words of its own: `user add`, `user list`. */
  readonly usages: readonly Usage[]
  readonly run: (argv: readonly string[], io: Io) => Promise<number>
}

/** The commands by name. */
export type Commands = Readonly<Record<string, Command>>

/** The words that lead to a usage: ['user', 'add']. */
export function wordsOf ({ command }: Usage): string[] {
  return command.split(' ').slice(1)
}
