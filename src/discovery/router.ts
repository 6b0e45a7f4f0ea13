import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { formatEndpoint } from '../transport/endpoint.ts'
import type { Mapping, Router, Wanted } from './routerAsk.ts'
import { findRouter, isPrivate } from './routerFind.ts'

export interface MapOptions {
  /** This node's port; the same is asked for at the router, for TCP and for UDP. */
  readonly port: number
  readonly log: Log
  /** Told where the node can be dialed from outside ("host:port") when that changes; `undefined` when it is lost. */
  readonly mapped: (externalAddress: string | undefined) => void
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Finds the router to ask, or `undefined` when there is none, or no need for one. */
  readonly find?: (signal: AbortSignal) => Promise<Router | undefined>
}

/** Keeps a port until it is closed. */
export interface RouterPort extends AsyncDisposable {
  state(): RouterState
}

export interface RouterState {
  /** Where the node can be dialed from outside, "host:port". */
  readonly address?: string
  /** Why the router does not give a port; absent also where no router was found that could. */
  readonly why?: string
}

const leaseSeconds = 3_600 // A node that died is forgotten by its router after this.
const renewMs = 600_000 // Routers restart and forget, lines get new addresses, laptops move.
const renewMsMin = 30_000 // Whatever a router says.
const retryMs = 60_000 // After it had been given.
const closingMs = 3_000

/**
 * Keeps a port of the router open for this node, as long as it runs. Does nothing where no router can be
 * asked, and looks again every ten minutes. Closing gives the port back.
 */
export function mapPort(options: MapOptions): RouterPort {
  const over = new AbortController()
  const { signal: outer } = options
  const signal = outer === undefined ? over.signal : AbortSignal.any([outer, over.signal])
  const keeper = new PortKeeper(options)
  const keeping = keeper.keep(signal)
  return {
    state: () => keeper.state(),
    [Symbol.asyncDispose]: () => {
      over.abort(new Error('the node is stopping'))
      return keeping
    },
  }
}

class PortKeeper {
  readonly #options: MapOptions
  readonly #clock: Clock
  #router: Router | undefined
  /** What the router has given, which is what it is asked for again. */
  readonly #held = new Map<Wanted['protocol'], Wanted>()
  #address: string | undefined
  #said = ''

  constructor(options: MapOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  state(): RouterState {
    return { address: this.#address, why: this.#said || undefined }
  }

  /** Ends when the signal aborts, and the port has been given back. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const restMs = await this.#renew(signal)
      await this.#clock.sleep(restMs, signal).catch(() => {}) // We are closing.
    }
    await this.#giveBack()
  }

  /** Returns how long to rest. */
  async #renew(signal: AbortSignal): Promise<number> {
    const { find = findRouter } = this.#options
    try {
      this.#router ??= await find(signal)
      if (this.#router === undefined) return renewMs
      const seconds = await this.#ask(this.#router, signal)
      this.#said = ''
      return Math.min(Math.max(seconds * 500, renewMsMin), renewMs) // Half of the time that was given.
    } catch (error) {
      if (signal.aborted) return 0
      this.#say('the router does not give a port', error)
      const restMs = this.#address === undefined ? renewMs : retryMs
      await this.#giveBack()
      this.#router = undefined // It may be another one next time.
      this.#tell(undefined)
      return restMs
    }
  }

  /** Asks for both ports, and returns for how long it has them. */
  async #ask(router: Router, signal: AbortSignal): Promise<number> {
    const tcp = await this.#map(router, 'tcp', this.#options.port, signal)
    if (isPrivate(tcp.externalHost)) {
      throw new DreyError('unreachable', `${tcp.externalHost} is no address of the Internet`)
    }
    this.#tell(formatEndpoint(tcp.externalHost, tcp.externalPort))
    try {
      const udp = await this.#map(router, 'udp', tcp.externalPort, signal)
      return Math.min(tcp.seconds, udp.seconds)
    } catch (error) {
      signal.throwIfAborted()
      this.#say('the router gives a port for TCP alone', error) // Enough for all but the DHT.
      return tcp.seconds
    }
  }

  async #map(
    router: Router,
    protocol: Wanted['protocol'],
    externalPort: number,
    signal: AbortSignal,
  ): Promise<Mapping> {
    const first = { protocol, port: this.#options.port, externalPort, seconds: leaseSeconds }
    const wanted = this.#held.get(protocol) ?? first
    const mapping = await router.map(wanted, signal)
    this.#held.set(protocol, { ...wanted, externalPort: mapping.externalPort })
    return mapping
  }

  async #giveBack(): Promise<void> {
    const signal = AbortSignal.timeout(closingMs)
    for (const wanted of this.#held.values()) {
      await this.#router?.unmap(wanted, signal).catch((error: unknown) => {
        this.#options.log.debug('the router keeps a port for a while', { why: messageOf(error) })
      })
    }
    this.#held.clear()
  }

  #tell(address: string | undefined): void {
    if (address === this.#address) return
    this.#address = address
    const { log, mapped } = this.#options
    if (address === undefined) log.warn('no longer reachable through the router')
    else log.info('reachable through the router', { address, by: this.#router?.name })
    mapped(address)
  }

  /** Once, not at every attempt. */
  #say(what: string, error: unknown): void {
    const why = messageOf(error)
    if (why !== this.#said) this.#options.log.info(what, { why })
    this.#said = why
  }
}
