import Database from 'better-sqlite3'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { facts, makeDirectories } from '../file.js'
import { StoreError, translated } from '../error.js'

/** Grows with every change of the tables: an index of another version is thrown away and rebuilt from the files. */
const version = 8

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE collection (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,       -- below the home, '' = the home itself
  attributes TEXT NOT NULL,        -- hash of its dead properties
  properties TEXT NOT NULL DEFAULT '', -- they themselves, as JSON
  stamp TEXT NOT NULL DEFAULT '',  -- device, inode and mtime of the directory when it was last compared
  revision INTEGER NOT NULL,       -- when it was made or its properties changed
  changed INTEGER NOT NULL,        -- when a member last changed
  born INTEGER NOT NULL DEFAULT 0, -- when it was made
  members INTEGER NOT NULL DEFAULT 0,  -- rows in member
  bytes INTEGER NOT NULL DEFAULT 0,    -- of their files
  gone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE member (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: a row of former may still speak of one
  collection INTEGER NOT NULL,
  name TEXT NOT NULL,
  stamp TEXT NOT NULL,
  checked REAL NOT NULL,           -- ms since 1970, when the bytes were read
  modified REAL NOT NULL,          -- mtime of the bytes that are served
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,              -- '' = cannot be served
  uid TEXT NOT NULL,
  component TEXT NOT NULL,
  problem TEXT NOT NULL,           -- why the file on disk is not what is served, '' = it is
  attributed INTEGER NOT NULL,     -- it has dead properties
  attributes TEXT NOT NULL DEFAULT '',  -- hash of them
  properties TEXT NOT NULL DEFAULT '',  -- they themselves, as JSON
  revision INTEGER NOT NULL,
  born INTEGER NOT NULL DEFAULT 0, -- when it was made
  UNIQUE (collection, name)
);
CREATE INDEX member_revision ON member (collection, revision);
CREATE INDEX member_uid ON member (collection, uid);
CREATE TABLE gone (
  collection INTEGER NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, born INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (collection, name)
) WITHOUT ROWID;
CREATE INDEX gone_revision ON gone (collection, revision);
CREATE TABLE span (               -- one instance of at most a month each
  collection INTEGER NOT NULL, start REAL NOT NULL, end REAL NOT NULL, member INTEGER NOT NULL, floating INTEGER NOT NULL
);
CREATE INDEX span_start ON span (collection, start, end, member, floating);
CREATE INDEX span_member ON span (member);
CREATE TABLE wide (               -- bounds of everything else: long ones, recurrences without end
  member INTEGER NOT NULL, collection INTEGER NOT NULL, start REAL NOT NULL, end REAL NOT NULL, floating INTEGER NOT NULL, exact INTEGER NOT NULL
);
CREATE INDEX wide_collection ON wide (collection, start, end);
CREATE INDEX wide_member ON wide (member);
CREATE TABLE body (member INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE run (                -- revisions from this one on were made by one process: an index that was put back goes on with another
  since INTEGER PRIMARY KEY, id TEXT NOT NULL
);
CREATE TABLE former (             -- what was overwritten or removed by hand, until it is written into the history
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, at REAL NOT NULL, end TEXT NOT NULL,
  bytes BLOB, body INTEGER, tree TEXT, properties TEXT NOT NULL DEFAULT '', modified REAL NOT NULL DEFAULT 0
);
CREATE TABLE access (             -- access control lists, from one revision up to another
  collection INTEGER NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, list TEXT NOT NULL,
  PRIMARY KEY (collection, name, since)
) WITHOUT ROWID;
CREATE TRIGGER member_added AFTER INSERT ON member
  BEGIN UPDATE collection SET members = members + 1, bytes = bytes + NEW.size WHERE id = NEW.collection; END;
CREATE TRIGGER member_resized AFTER UPDATE OF size ON member WHEN NEW.size <> OLD.size
  BEGIN UPDATE collection SET bytes = bytes + NEW.size - OLD.size WHERE id = NEW.collection; END;
CREATE TRIGGER member_removed AFTER DELETE ON member
  BEGIN UPDATE collection SET members = members - 1, bytes = bytes - OLD.size WHERE id = OLD.collection; END;
`

type Value = string | number | bigint | Buffer | null

interface Prepared { readonly statement: Database.Statement<Value[]>, readonly order: readonly number[] | undefined }

function ordered (values: Value[], order: readonly number[] | undefined): Value[] {
  return order === undefined ? values : order.map(position => values[position] ?? null)
}

/** One home's index: a SQLite file that may be deleted at any time. */
export class Index {
  readonly #database: Database.Database
  readonly #statements = new Map<string, Prepared>()
  readonly #raw = new Map<string, Database.Statement<Value[]>>()
  /** Nothing was numbered since it was opened. */
  isNewRun = true
  /** It lies in memory, as the disk cannot be written: what it learns goes with it. */
  readonly isSpare: boolean
  /** Something may be in `former`. */
  hasFormer = true
  #damaged = false

  constructor (database: Database.Database, isSpare = false) {
    this.#database = database
    this.isSpare = isSpare
  }

  /** Made anew with every new index, and when the documents went back to an older state; sync tokens of another epoch are void. */
  get epoch (): string {
    return String(this.get<{ value: string }>("SELECT value FROM meta WHERE key = 'epoch'")?.value)
  }

  /**
   * The epoch that a sync token of a revision names: also by which process it was made. When the index itself is put back to an older state,
   * the same numbers are given again, by another one.
   */
  epochAt (revision: number): string {
    const run = this.get<{ id: string }>('SELECT id FROM run WHERE since <= ? ORDER BY since DESC LIMIT 1', revision)?.id
    return run === undefined ? this.epoch : `${this.epoch}-${run}`
  }

  /** Makes all sync tokens void: clients synchronise from the start. */
  renewEpoch (): void {
    this.run("UPDATE meta SET value = ? WHERE key = 'epoch'", newEpoch())
  }

  #prepared (sql: string): Prepared {
    let prepared = this.#statements.get(sql)
    if (prepared === undefined) {
      // better-sqlite3 binds `?` only: numbered parameters are put in order here
      const order = [...sql.matchAll(/\?(\d+)/g)].map(match => Number(match[1]) - 1)
      prepared = { statement: this.#database.prepare<Value[]>(sql.replace(/\?\d+/g, '?')), order: order.length === 0 ? undefined : order }
      this.#statements.set(sql, prepared)
    }
    return prepared
  }

  /** It has answered that it cannot be trusted: throw it away. */
  get isDamaged (): boolean {
    return this.#damaged
  }

  get<Row> (sql: string, ...values: Value[]): Row | undefined {
    return this.#watched(() => {
      const { statement, order } = this.#prepared(sql)
      return statement.get(...ordered(values, order)) as Row | undefined
    })
  }

  all<Row> (sql: string, ...values: Value[]): Row[] {
    return this.#watched(() => {
      const { statement, order } = this.#prepared(sql)
      return statement.all(...ordered(values, order)) as Row[]
    })
  }

  /** The columns of each row in their order: half the price of objects where there are thousands. */
  rows (sql: string, ...values: Value[]): unknown[][] {
    return this.#watched(() => {
      let statement = this.#raw.get(sql)
      if (statement === undefined) this.#raw.set(sql, statement = this.#database.prepare<Value[]>(sql).raw())
      return statement.all(...values) as unknown[][]
    })
  }

  /** Another value means that something was written since, by us or by another process. */
  version (): string {
    return `${String(this.rows('SELECT total_changes()')[0]?.[0])}.${String(this.rows('PRAGMA data_version')[0]?.[0])}`
  }

  run (sql: string, ...values: Value[]): { lastInsertRowid: number, changes: number } {
    return this.#watched(() => {
      const { statement, order } = this.#prepared(sql)
      const { lastInsertRowid, changes } = statement.run(...ordered(values, order))
      return { lastInsertRowid: Number(lastInsertRowid), changes }
    })
  }

  /** Runs `work` as one transaction, which also keeps other processes out of this home's index. Nested calls join. */
  transaction<T> (work: () => T): T {
    return this.#watched(() => this.#database.inTransaction ? work() : this.#database.transaction(work).immediate())
  }

  #watched<T> (work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (isDamage(error)) this.#damaged = true
      throw refused(this.#database.name, error)
    }
  }

  /** Whether a transaction is under way. */
  get isInTransaction (): boolean {
    return this.#database.inTransaction
  }

  /** All that it holds, as the bytes of a file. */
  copy (): Buffer {
    return this.#database.serialize()
  }

  /** Moves what was written into the main file; called when nobody waits. */
  checkpoint (): void {
    this.#watched(() => this.#database.pragma('wal_checkpoint(PASSIVE)'))
  }

  close (): void {
    this.#statements.clear()
    this.#raw.clear()
    this.#database.close()
  }
}

/**
 * Opens or makes an index. One of another version, or a damaged one, is thrown away: its successor has a new epoch.
 * @param patience  how long a write waits for other processes, in ms: nothing else is done meanwhile
 */
export function openIndex (file: string, patience = 5000): Index {
  try {
    makeDirectories(dirname(file), 0o700)
    try {
      return open(file, patience)
    } catch (error) {
      if (!isDamage(error)) throw error
      removeIndex(file)
      return open(file, patience)
    }
  } catch (error) {
    throw translated(refused(file, error), `open the index ${file}`)
  }
}

/** An index in memory, with what the bytes of a file say; `undefined` when that is of another version. Without bytes it is new. */
export function memoryIndex (bytes?: Buffer): Index | undefined {
  return indexIn(bytes === undefined ? new Database(':memory:') : new Database(bytes), true)
}

function indexIn (database: Database.Database, isSpare: boolean): Index | undefined {
  const found = database.pragma('user_version', { simple: true })
  if (found === 0) create(database)
  return database.pragma('user_version', { simple: true }) === version ? new Index(database, isSpare) : undefined
}

/**
 * An index to read from, which nothing is changed in; `undefined` when there is none, or one of another version, which will be made anew.
 * @throws StoreError; what `isDamage` knows
 */
export function peekIndex (file: string): Index | undefined {
  if (facts(file)?.isFile() !== true) return undefined
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true, timeout: 5000 })
    if (database.pragma('user_version', { simple: true }) === version) return new Index(database)
    database.close()
    return undefined
  } catch (error) {
    throw translated(error, `read the index ${file}`)
  }
}

/** Whether an error says that the index file cannot be trusted any more. */
export function isDamage (error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(?:CORRUPT|NOTADB|IOERR_SHORT_READ|ERROR)/.test(error.code)
}

/** Whether an error says that the index cannot be written now, as the disk is full, read-only or failing: what it holds can be read all the same. */
export function isRefused (error: unknown): error is StoreError {
  return error instanceof StoreError && error.cause instanceof Database.SqliteError
}

function refused (file: string, error: unknown): unknown {
  if (!(error instanceof Database.SqliteError) || isDamage(error) || !/^SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|BUSY)/.test(error.code)) return error
  return new StoreError(error.code === 'SQLITE_FULL' ? 'full' : 'read-only', `cannot write the index ${file}: ${error.message}`, { cause: error })
}

/** Deletes an index file with its companions. */
export function removeIndex (file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
}

function open (file: string, patience: number): Index {
  const isNew = facts(file) === undefined
  const database = new Database(file, { timeout: patience })
  try {
    // eight flushes for nothing: one that a power cut leaves in pieces is made once more
    if (isNew) database.pragma('synchronous = OFF')
    database.pragma('journal_mode = WAL')
    database.pragma('cache_size = -4096')
    // long work does it in steps of its own; one of 32 MB holds everybody up for a tenth of a second
    database.pragma('wal_autocheckpoint = 2000')
    const index = indexIn(database, false)
    // losing the tail in a power cut is harmless: the comparison at start finds what is missing
    database.pragma('synchronous = NORMAL')
    if (index !== undefined) return index
    database.close()
    removeIndex(file)
    return open(file, patience)
  } catch (error) {
    database.close()
    throw error
  }
}

/** Random letters, digits and dashes. */
export function newEpoch (bytes = 9): string {
  return randomBytes(bytes).toString('base64url').replaceAll('_', '-')
}

function create (database: Database.Database): void {
  database.transaction(() => {
    // another process was quicker
    if (database.pragma('user_version', { simple: true }) !== 0) return
    database.exec(schema)
    const meta = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)')
    meta.run('epoch', newEpoch())
    meta.run('revision', 1)
    meta.run('trimmed', 0)
    database.pragma(`user_version = ${version}`)
  }).immediate()
}
