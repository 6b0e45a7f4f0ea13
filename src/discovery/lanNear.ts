import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * Whether an IPv4 address is of a network that this machine is on. What is said about this network from
 * anywhere else is not believed (RFC 6762, section 11).
 */
export function isNear(address: string): boolean {
  const near = new BlockList()
  near.addSubnet('169.254.0.0', 16) // What machines give themselves where nobody gives them one.
  for (const { family, cidr } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
    const [network, bits] = (cidr ?? '').split('/')
    if (family === 'IPv4' && network !== '') near.addSubnet(network!, Number(bits))
  }
  return near.check(address)
}
