import type { Settings } from '../../conf/settings.js'
import type { Directory } from '../directory/directory.js'
import { Delegates } from '../directory/proxy.js'
import { Source } from '../directory/source.js'

/** Who there is, and who may act for whom, as a server with these settings sees it. */
export interface People { readonly directory: Directory, readonly delegates: Delegates }

/**
 * Reads accounts and proxies once, the directory server included.
 * @param warn  hears of what is wrong with them
 * @throws AccountsError
 */
export async function openPeople (settings: Settings, warn: (text: string) => void): Promise<People> {
  const log = { info: () => {}, warn, error: warn }
  const { directory } = await Source.open({ ...settings.accounts, ldap: settings.ldap, state: `${settings.data.directory}/state`, origin: settings.server.baseUrl, log })
  return { directory, delegates: await Delegates.open({ file: settings.accounts.delegates, directory, log }) }
}
