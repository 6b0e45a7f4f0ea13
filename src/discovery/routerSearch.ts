import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as rest } from 'node:timers/promises'

/** Where a router takes requests for ports: a service of its description. */
export interface Service {
  readonly type: string
  readonly control: URL
}

/** Where routers are looked for. */
export interface Search {
  readonly host: string
  readonly port: number
}

const everyone: Search = { host: '239.255.255.250', port: 1900 } // UPnP Device Architecture, 1.3.
const searchMs = [500, 2_000] // A packet may be lost; and devices answer after up to MX seconds.
const routersMax = 4
const servicesMax = 4
const serviceTypes = /^urn:schemas-upnp-org:service:(WANIPConnection:[12]|WANPPPConnection:1)$/

const question = [
  'M-SEARCH * HTTP/1.1',
  'HOST: 239.255.255.250:1900',
  'MAN: "ssdp:discover"',
  'MX: 1',
  'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1', // One of version 2 answers too.
  '\r\n',
].join('\r\n')

/** Asks this network for a router that speaks UPnP, and returns where it (or they) describe themselves. */
export async function searchRouters(
  local: string,
  signal: AbortSignal,
  { host, port }: Search = everyone,
): Promise<URL[]> {
  const socket = createSocket('udp4')
  const found = new Map<string, URL>()
  const first = Promise.withResolvers<void>()
  socket.on('error', () => {}) // No multicast here: nobody is found.
  socket.on('message', (said, { address }) => {
    const url = locationOf(said.toString('latin1'), address)
    if (url === undefined || found.size >= routersMax) return
    found.set(url.href, url)
    first.resolve()
  })
  try {
    socket.bind(0, local)
    await once(socket, 'listening', { signal })
    for (const ms of searchMs) {
      socket.send(question, port, host)
      await Promise.race([first.promise, rest(ms, undefined, { signal, ref: false })])
      if (found.size > 0) break
    }
    return [...found.values()]
  } catch {
    signal.throwIfAborted()
    return [] // This machine's address is gone, say.
  } finally {
    socket.close()
  }
}

/** Where a router says its description is, if that is the router's own machine: nobody sends us elsewhere. */
export function locationOf(said: string, from: string): URL | undefined {
  const location = /^location:[ \t]*(\S+)[ \t]*$/im.exec(said)?.[1] ?? ''
  const url = URL.canParse(location) ? new URL(location) : undefined
  return url?.protocol === 'http:' && url.hostname === from ? url : undefined
}

/** Reads a description: the services that give ports, the usual one first. */
export function servicesOf(description: string, location: URL): Service[] {
  const base = fieldOf(description, 'URLBase') ?? location.href
  const services = Array.from(
    description.matchAll(/<service>([^]*?)<\/service>/gi),
    ([, service]): Service | undefined => {
      const type = fieldOf(service!, 'serviceType') ?? ''
      const path = fieldOf(service!, 'controlURL')
      if (!serviceTypes.test(type) || path === undefined || !URL.canParse(path, base))
        return undefined
      const control = new URL(path, base)
      const itself = control.protocol === 'http:' && control.hostname === location.hostname
      return itself ? { type, control } : undefined
    },
  )
  return services.filter((service) => service !== undefined).slice(0, servicesMax)
}

/** The text of the first element of this name, in a small XML document without surprises. */
export function fieldOf(xml: string, name: string): string | undefined {
  const element = new RegExp(`<(?:\\w+:)?${name}(?:\\s[^>]*)?>([^<]*)</`, 'i')
  const text = element.exec(xml)?.[1]?.trim().replaceAll('&amp;', '&')
  return text === '' ? undefined : text
}
