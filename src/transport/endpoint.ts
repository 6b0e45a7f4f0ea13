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

/** A host that others can try: for "all interfaces", the first one that is not only for this machine. */
export function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outside = all.find(({ internal, family }) => !internal && family === 'IPv4')
  return outside?.address ?? '127.0.0.1'
}
