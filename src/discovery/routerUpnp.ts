import { DreyError, messageOf } from '../base/error.ts'
import type { Mapping, Router, Wanted } from './routerAsk.ts'
import { askHttp } from './routerHttp.ts'
import { fieldOf, searchRouters, servicesOf, type Search, type Service } from './routerSearch.ts'

/** What a router may answer instead (WANIPConnection, 2.4.16): the two that can be helped. */
const conflict = '718'
const onlyForEver = '725'
const portsTried = 4 // The one that is wanted, and the next ones.

/** A router on this network that speaks UPnP, and is connected to the Internet. */
export async function findUpnp(
  local: string,
  signal: AbortSignal,
  search?: Search,
): Promise<Router | undefined> {
  for (const location of await searchRouters(local, signal, search)) {
    try {
      const { text } = await askHttp(location, { signal })
      for (const service of servicesOf(text, location)) {
        const router = new UpnpRouter(service, local)
        if (await router.isConnected(signal)) return router
      }
    } catch {
      signal.throwIfAborted() // Else it is not as it says: the next one may be.
    }
  }
  return undefined
}

type Fields = Readonly<Record<string, string | number>>

/** The Internet Gateway Device protocol, versions 1 and 2: SOAP over HTTP. */
class UpnpRouter implements Router {
  readonly name = 'UPnP'
  readonly #service: Service
  readonly #local: string

  constructor(service: Service, local: string) {
    this.#service = service
    this.#local = local
  }

  async isConnected(signal: AbortSignal): Promise<boolean> {
    const status = await this.#act('GetStatusInfo', {}, signal)
    return fieldOf(status, 'NewConnectionStatus') === 'Connected'
  }

  async map(wanted: Wanted, signal: AbortSignal): Promise<Mapping> {
    const externalPort = await this.#add(wanted, signal)
    const answer = await this.#act('GetExternalIPAddress', {}, signal)
    const externalHost = fieldOf(answer, 'NewExternalIPAddress') ?? ''
    return { externalHost, externalPort, seconds: wanted.seconds }
  }

  async unmap({ protocol, externalPort }: Wanted, signal: AbortSignal): Promise<void> {
    await this.#act('DeletePortMapping', portOf(protocol, externalPort), signal)
  }

  /** Returns the port that it was given: another one where the wanted one is somebody else's. */
  async #add(wanted: Wanted, signal: AbortSignal): Promise<number> {
    for (let offset = 0; ; offset++) {
      const externalPort = ((wanted.externalPort + offset - 1) % 65_535) + 1
      try {
        await this.#addFor(wanted.seconds, { ...wanted, externalPort }, signal)
        return externalPort
      } catch (error) {
        if (!isAnswer(error, conflict) || offset + 1 === portsTried) throw error
      }
    }
  }

  async #addFor(seconds: number, wanted: Wanted, signal: AbortSignal): Promise<void> {
    try {
      await this.#act(
        'AddPortMapping',
        {
          ...portOf(wanted.protocol, wanted.externalPort),
          NewInternalPort: wanted.port,
          NewInternalClient: this.#local,
          NewEnabled: 1,
          NewPortMappingDescription: 'Drey', // Some routers want one.
          NewLeaseDuration: seconds,
        },
        signal,
      )
    } catch (error) {
      if (!isAnswer(error, onlyForEver) || seconds === 0) throw error
      await this.#addFor(0, wanted, signal) // Until it is given back, or the router restarts.
    }
  }

  /** Throws 'unreachable', with the router's own code in it. */
  async #act(action: string, fields: Fields, signal: AbortSignal): Promise<string> {
    const { type, control } = this.#service
    const headers = {
      'Content-Type': 'text/xml; charset="utf-8"',
      SOAPAction: `"${type}#${action}"`,
    }
    const body = envelope(type, action, fields)
    try {
      const { status, text } = await askHttp(control, { method: 'POST', headers, body, signal })
      if (status === 200) return text
      throw new Refusal(fieldOf(text, 'errorCode'), fieldOf(text, 'errorDescription'), status)
    } catch (cause) {
      signal.throwIfAborted()
      const why = `the router ${control.hostname}, asked to ${action}: ${messageOf(cause)}`
      throw new DreyError('unreachable', why, { cause })
    }
  }
}

class Refusal extends Error {
  readonly code: string | undefined

  constructor(code: string | undefined, description: string | undefined, status: number) {
    super(`it refuses (${code ?? `HTTP ${status}`}${description ? `, ${description}` : ''})`)
    this.code = code
  }
}

function isAnswer(error: unknown, code: string): boolean {
  const { cause } = error as Error
  return cause instanceof Refusal && cause.code === code
}

function portOf(protocol: Wanted['protocol'], externalPort: number): Fields {
  return { NewRemoteHost: '', NewExternalPort: externalPort, NewProtocol: protocol.toUpperCase() }
}

/** None of what is said has a character that XML would mistake. */
function envelope(type: string, action: string, fields: Fields): string {
  const said = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action} xmlns:u="${type}">${said.join('')}</u:${action}></s:Body></s:Envelope>`
}
