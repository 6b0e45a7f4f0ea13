import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { DreyError } from '../base/error.ts'

/** Reads "host:port"; an IPv6 address stands in brackets. Throws 'bad-input'. */
export function parseEndpoint(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s]+)):(\d{1,5})$/i.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port < 1 || port > 65_535) {
    throw new DreyError('bad-input', `not an address of a node: "${text}"; write host:port`)
  }
  return { host, port }
}

export function formatEndpoint(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** The addresses at which a node that listens at `host` may be dialed from elsewhere, the likeliest first. */
export function reachableEndpoints(host: string, port: number): string[] {
  return reachableHosts(host).map((one) => formatEndpoint(one, port))
}

/** For "all interfaces", all that are not only for this machine or this link; this machine's if there are none. */
function reachableHosts(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host]
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
  const usable = outside.filter(({ family }) => family === 'IPv4' || host === '::')
  const hosts = usable
    .sort((a, b) => Number(a.family === 'IPv6') - Number(b.family === 'IPv6'))
    .map(({ address }) => address)
  return hosts.length > 0 ? hosts : ['127.0.0.1']
}
