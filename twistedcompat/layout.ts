/** True for names inside a document root that are Apple's bookkeeping: never served, never deleted. */
export function isAppleInternal (name: string): boolean {
  return name === '.calendarserver_version' ||
    name.startsWith('.db.') || // .db.sqlite, .db.calendaruserproxy, .db.invites… and their journals
    name.startsWith('._') || // AppleDouble files, and ._del_ of the 3.0 file store
    name.endsWith('.rollback') // left by a crash in the middle of a PUT, with or without leading dot
}

/**
 * Where the home of an account may lie, below the document root, first match wins: the order Apple's 2.x tried.
 * A name or GUID that could not be a file name leaves its places out.
 * @param type plural, `users`
 */
export function homePaths (type: 'users' | 'groups' | 'locations' | 'resources', name: string, guid: string): string[] {
  const paths: string[] = []
  if (isSegment(guid)) {
    // 2.x fills short GUIDs up with ? before it splits them
    const hashed = guid.padEnd(4, '?')
    const [first, second] = [hashed.slice(0, 2), hashed.slice(2, 4)]
    if (isSegment(first) && isSegment(second)) paths.push(`calendars/__uids__/${first}/${second}/${hashed}`)
    paths.push(`calendars/__uids__/${guid}`)
  }
  if (isSegment(name)) paths.push(`calendars/${type}/${name}`)
  return paths
}

function isSegment (name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\0]/.test(name)
}
