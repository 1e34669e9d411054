import type { Settings } from '../../conf/settings.js'
import { Store } from '../../store/store.js'
import { describe } from '../ical/facts.js'
import { isOlder } from '../ical/version.js'
import { systemZones } from '../ical/zone-source.js'
import { Locks } from '../site/lock.js'
import { homePlaces } from '../site/provision.js'
import { holdsObjects } from '../site/resource.js'
import type { Site } from '../site/site.js'
import { asOwner } from './owner.js'
import { openPeople } from './people.js'

/**
 * Works on the files of a data directory, with the same index, history and rules as the server, which may run meanwhile: SQLite keeps
 * the two from writing to one home at the same moment, and the server sees what happened as it sees what is done by hand.
 * As root the work is done as the owner of the documents.
 * @param warn  hears one line of what is odd: about the accounts, about files that cannot be served
 * @throws AccountsError, StoreError; what `work` throws
 */
export async function withTree<T> (settings: Settings, warn: (text: string) => void, work: (site: Site) => Promise<T>): Promise<T> {
  const { directory, delegates } = await openPeople(settings, warn)
  return await asOwner(settings.data.documents, async () => {
    const store = guestStore(settings, warn)
    const log = { error: warn, warn, info: () => {}, debug: () => {} }
    try {
      return await work({ settings, store, directory, delegates, locks: new Locks(), log })
    } finally {
      await store.close()
    }
  })
}

/** The store of a data directory that a server may serve meanwhile. Whoever opens it closes it. @throws StoreError */
export function guestStore (settings: Settings, report: (text: string) => void): Store {
  return new Store({
    documents: settings.data.documents,
    state: `${settings.data.directory}/state`,
    durable: settings.data.fsync,
    history: { directory: settings.history.directory, days: () => settings.history.days, bytes: () => settings.history.bytes },
    isGuest: true,
    sweepSeconds: 0,
    describe,
    knowledge: `time zones ${systemZones().version()}`,
    holdsObjects,
    isOlder,
    ...homePlaces,
    report
  })
}
