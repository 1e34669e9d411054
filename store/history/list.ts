import { readFileSync } from 'node:fs'
import { facts as statsOf } from '../file.js'
import { entries } from '../scan.js'
import { otherSpelling } from '../name.js'
import { isDay, readName, type Version } from './version.js'

/** The days of which something is kept, latest first: `2026-11-23`. */
export function days (history: string): string[] {
  return entries(history).filter(entry => entry.isDirectory() && isDay(entry.name)).map(entry => entry.name).sort().reverse()
}

/**
 * The versions of one path, latest first. Collections that held it when they were deleted are not looked into.
 * @param path  below the documents, decoded, of a file or a directory; in either Unicode form
 * @throws StoreError when the history cannot be read
 */
export function versions (history: string, path: string): Version[] {
  const cut = path.lastIndexOf('/') + 1
  const wanted = new Set([path.slice(cut), otherSpelling(path.slice(cut))])
  return days(history).flatMap(day => versionsIn(history, day, path.slice(0, cut)).filter(({ path: one }) => wanted.has(one.slice(cut)))).sort(latestFirst)
}

/**
 * Every version of what lay in a directory or below it, and of the directory itself, latest first.
 * @param path  below the documents; '' = everything
 */
export function versionsBelow (history: string, path: string): Version[] {
  const all = days(history).flatMap(day => [...path === '' ? [] : ownVersions(history, day, path), ...walk(history, day, path === '' ? '' : `${path}/`)])
  return all.sort(latestFirst)
}

function ownVersions (history: string, day: string, path: string): Version[] {
  const above = path.slice(0, path.lastIndexOf('/') + 1)
  return versionsIn(history, day, above).filter(version => version.path === path)
}

function * walk (history: string, day: string, above: string): Generator<Version> {
  yield * versionsIn(history, day, above)
  for (const entry of entries(`${history}/${day}/${above}`)) {
    if (entry.isDirectory() && readName(day, entry.name) === undefined) yield * walk(history, day, `${above}${entry.name}/`)
  }
}

/** The versions that lie directly in one directory of one day. @param above  below the documents with a slash behind, or '' */
export function versionsIn (history: string, day: string, above: string): Version[] {
  const directory = `${history}/${day}/${above}`
  return entries(directory).flatMap(entry => {
    const read = readName(day, entry.name)
    if (read === undefined) return []
    const one = { at: read.at, end: read.end }
    if (read.name !== '') return [{ ...one, path: above + read.name, file: directory + entry.name, isCollection: entry.isDirectory() }]
    return entries(directory + entry.name).map(inner => ({ ...one, path: above + inner.name, file: `${directory}${entry.name}/${inner.name}`, isCollection: inner.isDirectory() }))
  })
}

function latestFirst (a: Version, b: Version): number {
  return b.at - a.at || (a.path < b.path ? -1 : 1)
}

/** Whether a former version of a path had these bytes. @param history  `undefined` = nothing is kept */
export function isFormer (history: { readonly directory: string } | undefined, path: string, bytes: Buffer): boolean {
  return history !== undefined && versions(history.directory, path).some(({ file, isCollection }) => !isCollection && statsOf(file)?.size === bytes.length && readFileSync(file).equals(bytes))
}

/** The latest version of each file that lay directly in a directory and was edited or removed by hand since a time. @param above  below the documents with a slash behind */
export function latestByHand (history: string, above: string, since: number): Version[] {
  const from = new Date(since).toISOString().slice(0, 10)
  const found = new Map<string, Version>()
  for (const day of days(history).filter(day => day >= from)) {
    for (const version of versionsIn(history, day, above)) {
      const isByHand = !version.isCollection && version.at >= since && (version.end === 'edited' || version.end === 'removed')
      if (isByHand && (found.get(version.path)?.at ?? 0) < version.at) found.set(version.path, version)
    }
  }
  return [...found.values()]
}

/** Whether there is a former version of a path. @param history  `undefined` = nothing is kept */
export function hasFormer (history: { readonly directory: string } | undefined, path: string): boolean {
  return history !== undefined && versions(history.directory, path).length > 0
}
