const last = new Map<string, Promise<unknown>>()

/**
 * Runs `work` when everything that came before it under the same key is done, in order of arrival. Not re-entrant:
 * work that waits for its own key never ends. What `work` throws reaches its caller only.
 */
export async function inTurn<T> (key: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(key) ?? Promise.resolve()
  const mine = before.then(work, work)
  last.set(key, mine)
  try {
    return await mine
  } finally {
    if (last.get(key) === mine) last.delete(key)
  }
}
