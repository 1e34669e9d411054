import { BlockList, isIP } from 'node:net'

const lists = new WeakMap<readonly string[], BlockList>()

/**
 * Whether an address is one of those in a setting.
 * @param list     addresses and networks as the settings have them: '127.0.0.1', '10.0.0.0/8', 'fd00::/8'
 * @param address  as `plainAddress` gives it; undefined is among none
 */
export function isAmong (list: readonly string[], address: string | undefined): boolean {
  if (address === undefined || list.length === 0) return false
  const family = isIP(address)
  if (family === 0) return false
  let among = lists.get(list)
  if (among === undefined) lists.set(list, among = compiled(list))
  return among.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function compiled (list: readonly string[]): BlockList {
  const among = new BlockList()
  for (const entry of list) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) among.addAddress(address, family)
    else among.addSubnet(address, Number(bits), family)
  }
  return among
}

/** An address as people write it: IPv4 that came over an IPv6 socket without its frame, IPv6 without its zone. */
export function plainAddress (address: string | undefined): string | undefined {
  if (address === undefined || !address.includes(':')) return address
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return inner ?? address.split('%', 1)[0]
}

const loopback: readonly string[] = ['127.0.0.0/8', '::1']

/** Whether an address is this machine's own. */
export function isLoopback (address: string): boolean {
  return isAmong(loopback, address)
}
