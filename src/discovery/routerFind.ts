import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { BlockList, isIPv4 } from 'node:net'
import { promisify } from 'node:util'
import type { Router } from './routerAsk.ts'

/** The router between this machine and the Internet, if there is one that can be asked for ports. */
export async function findRouter(signal: AbortSignal): Promise<Router | undefined> {
  const local = await localAddress()
  if (local === undefined || !isPrivate(local)) return undefined
  const [{ findPmp }, { findUpnp }] = await Promise.all([
    import('./routerPmp.ts'),
    import('./routerUpnp.ts'),
  ])
  const gateway = await defaultGateway(signal)
  const router = gateway === undefined ? undefined : await findPmp(gateway, signal)
  return router ?? findUpnp(local, signal)
}

const privates = new BlockList()
for (const [network, bits] of [
  ...([
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
  ] as const), // Of houses.
  ...([['100.64.0.0', 10]] as const), // Of providers that share one address among many.
  ...([
    ['0.0.0.0', 8],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const), // Of nobody else.
]) {
  privates.addSubnet(network, bits)
}

/** Whether an IPv4 address means nothing on the Internet; nor does what is no such address. */
export function isPrivate(address: string): boolean {
  return !isIPv4(address) || privates.check(address)
}

/** This machine's own address on the way to another, by default one on the Internet; nothing is sent. */
export async function localAddress(to = '198.51.100.1'): Promise<string | undefined> {
  const socket = createSocket('udp4')
  try {
    socket.connect(9, to)
    await once(socket, 'connect')
    return socket.address().address
  } catch {
    return undefined // There is no way there.
  } finally {
    socket.close()
  }
}

async function defaultGateway(signal: AbortSignal): Promise<string | undefined> {
  try {
    if (process.platform === 'linux')
      return gatewayOfLinux(await readFile('/proc/net/route', 'utf8'))
    const options = { signal, timeout: 5_000, windowsHide: true }
    const { stdout } = await promisify(execFile)('netstat', ['-rn'], options)
    return gatewayOfNetstat(stdout)
  } catch {
    signal.throwIfAborted()
    return undefined // A system that does not say so: UPnP does not need it.
  }
}

/** Reads Linux's table of routes, where addresses are hexadecimal, the last byte first. */
export function gatewayOfLinux(table: string): string | undefined {
  for (const line of table.split('\n')) {
    const [, to, gateway = ''] = line.split(/\s+/)
    if (to !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway) || gateway === '00000000') continue
    return [...Buffer.from(gateway, 'hex')].reverse().join('.')
  }
  return undefined
}

/** Reads what macOS, the BSDs and Windows print. */
export function gatewayOfNetstat(table: string): string | undefined {
  const route = /^\s*(?:default|0\.0\.0\.0\s+0\.0\.0\.0)\s+(\d+\.\d+\.\d+\.\d+)\s/m
  return route.exec(table)?.[1]
}
