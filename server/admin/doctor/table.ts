import type { Severity } from './finding.js'

/** One thing that is looked at. */
export interface Check {
  readonly severity: Severity
  /** What is wrong when it is found. */
  readonly meaning: string
  /** What --fix does; without it a person has to. */
  readonly fix?: string
}

/** Everything that `caldavd doctor` looks at, in the order in which it tells. */
export const checks = {
  'documents': { severity: 'error', meaning: 'the documents, or a home, are empty or gone, and were full before' },
  'accounts': { severity: 'error', meaning: 'the accounts, proxies or app passwords cannot be read' },
  'open-secret': { severity: 'error', meaning: 'a file with passwords or keys can be read by every user of the machine', fix: 'takes the rights from others' },
  'home-without-account': { severity: 'warning', meaning: 'a home of which there is no account' },
  'clock': { severity: 'error', meaning: 'the clock of the machine is wrong' },
  'space': { severity: 'error', meaning: 'less than 5 % or 100 MB are free' },
  'inodes': { severity: 'error', meaning: 'less than 5 % of the inodes are free' },
  'watches': { severity: 'warning', meaning: 'there are more directories than the system lets watch' },
  'history-limit': { severity: 'warning', meaning: 'the history takes more than it may', fix: 'removes the oldest versions' },
  'history-elsewhere': { severity: 'note', meaning: 'the history is on another file system than the documents, so that each version is a copy' },
  'no-history': { severity: 'note', meaning: 'no former versions are kept' },
  'access': { severity: 'error', meaning: 'a file or directory that the owner of the documents cannot read and write', fix: 'adds the rights that are missing, when it belongs to the owner of the documents' },
  'broken-file': { severity: 'error', meaning: 'a file in a calendar that cannot be read as one event or task' },
  'odd-file': { severity: 'warning', meaning: 'an event that is served although it breaks a rule: each client reads it in its own way, or not at all' },
  'several-uids': { severity: 'error', meaning: 'a file with several events: a file is one UID', fix: 'splits it into one file for each UID' },
  'no-uid': { severity: 'error', meaning: 'an event without UID', fix: 'gives it one' },
  'method': { severity: 'error', meaning: 'an invitation or export with METHOD, which is no event yet', fix: 'takes METHOD out of it' },
  'duplicate-uid': { severity: 'error', meaning: 'two files of a calendar with one UID: some clients refuse the whole calendar', fix: 'removes the one when both are the same byte for byte' },
  'duplicate-uid-in-home': { severity: 'warning', meaning: 'two calendars of a home with one UID' },
  'twin-names': { severity: 'warning', meaning: 'two names that differ in their Unicode form alone', fix: 'gives one file another name' },
  'case-clash': { severity: 'warning', meaning: 'two names that differ in capitals alone, which are one on macOS, Windows and FAT', fix: 'gives one file another name' },
  'bad-name': { severity: 'warning', meaning: 'a name that is not served or that copies lose: not UTF-8, control characters, blanks at its ends', fix: 'gives it a good name' },
  'hidden-event': { severity: 'warning', meaning: 'an event under a name that is never served: a leading dot, or that of an editor\'s temporary file' },
  'misplaced-event': { severity: 'warning', meaning: 'an event that lies in no calendar' },
  'foreign-file': { severity: 'warning', meaning: 'something in a calendar that is no event: another file, a directory, a link, a socket' },
  'lost-attributes': { severity: 'warning', meaning: 'a file or directory has lost its attributes, which its .properties.json still has', fix: 'puts them back' },
  'stale-sidecar': { severity: 'warning', meaning: 'a .properties.json that does not say what the attributes say', fix: 'writes it anew' },
  'large-attribute': { severity: 'note', meaning: 'a property that is too large for an attribute and is in .properties.json alone' },
  'future-file': { severity: 'warning', meaning: 'files of a time that has not come yet', fix: 'gives them the time of now' },
  'leftover': { severity: 'warning', meaning: 'an unfinished file that nobody will finish', fix: 'takes it away' },
  'index-damaged': { severity: 'error', meaning: 'an index that cannot be read', fix: 'makes it anew from the files' },
  'index-row': { severity: 'error', meaning: 'the index does not agree with a file', fix: 'reads the file again' },
  'index-collection': { severity: 'warning', meaning: 'the index does not agree with a directory', fix: 'counts again' },
  'held-file': { severity: 'error', meaning: 'a file that is missing or older since a directory went back to an older state; what was served is served on' }
} as const satisfies Readonly<Record<string, Check>>

export type CheckName = keyof typeof checks

/** The row of a check. */
export function checkOf (name: CheckName): Check {
  return checks[name]
}
