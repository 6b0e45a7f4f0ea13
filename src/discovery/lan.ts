import type { Engine } from 'multicast-dns'
import { systemClock, type Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { between, systemRandom, type Random } from '../base/random.ts'
import { formatEndpoint } from '../transport/endpoint.ts'
import { isNear } from './lanNear.ts'
import * as words from './lanWords.ts'

export interface LanOptions {
  readonly id: string
  /** Which swarm this is: `lanTag` of its authority. */
  readonly tag: Uint8Array
  /** Where this node's own door is. */
  readonly port: number
  readonly log: Log
  /** Told once of each address ("host:port") where a node of the swarm says that it is, until it is gone. */
  readonly found: (address: string) => void
  readonly clock?: Clock
  readonly random?: Random
  /** Where to speak, when not on all of the machine's networks, at mDNS's own port. */
  readonly network?: { readonly interface: string; readonly port: number }
}

/** Finds nodes until it is closed. */
export interface LanFinder extends AsyncDisposable {
  state(): LanState
}

export interface LanState {
  /** Addresses where a node of the swarm says that it is, now. */
  readonly known: number
  /** Why this node may not be heard, as the system said last. */
  readonly why?: string
}

const askAtMs = [0, 1_000, 3_000] // A packet may be lost, and some networks are slow to let one in.
const askEveryMs = 240_000 // Twice within the time for which an answer is good.
const answersRestMs = 1_000 // However many ask, all hear one answer.
const knownMax = 256
const foundAgainMs = 10_000 // Who says that it comes and goes and comes is not heard more often.

/**
 * Finds the swarm's nodes on this machine's networks by multicast DNS, and lets them find this one. What is
 * said there is a hint that anyone may give: a lie costs whoever follows it one failed handshake. Where
 * multicast is not possible nobody is found, and the log says so once.
 */
export async function openLan(options: LanOptions): Promise<LanFinder> {
  const { default: multicastDns } = await import('multicast-dns')
  const { interface: on, port = 5353 } = options.network ?? {}
  const engine = multicastDns({ port, interface: on, bind: '0.0.0.0' })
  const lan = new Lan(engine, options)
  const { promise, resolve } = Promise.withResolvers<void>()
  engine.on('ready', resolve)
  engine.on('error', () => resolve()) // The log says why.
  await promise
  return lan
}

class Lan implements LanFinder {
  readonly #engine: Engine
  readonly #options: LanOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #presence: words.Presence
  readonly #known = new Map<string, { readonly told: number; until: number }>()
  readonly #over = new AbortController()
  readonly #loops: Promise<unknown>
  #asked = Promise.withResolvers<void>()
  readonly #said = new Set<string>()

  constructor(engine: Engine, options: LanOptions) {
    const { id, tag, port, clock = systemClock, random = systemRandom } = options
    this.#engine = engine
    this.#options = options
    this.#clock = clock
    this.#random = random
    this.#presence = { name: words.lanName(tag, id), tag, port }
    engine.on('error', (error) => this.#sent(error))
    engine.on('warning', (error) => {
      if ('syscall' in error) this.#sent(error) // Else somebody sent what is no DNS.
    })
    engine.on('query', (packet, { address }) => {
      if (words.isAsked(packet) && isNear(address)) this.#asked.resolve()
    })
    engine.on('response', (packet, { address }) => {
      const presences = words.decodePresences(packet, tag)
      if (presences.length > 0 && isNear(address))
        for (const one of presences) this.#heard(address, one)
    })
    this.#loops = Promise.allSettled([this.#ask(), this.#answer()]) // They end by being aborted.
  }

  state(): LanState {
    const now = this.#clock.now()
    const known = [...this.#known.values()].filter(({ until }) => until > now).length
    return { known, why: [...this.#said].at(-1) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort(new Error('the node is stopping'))
    this.#asked.resolve() // Or nobody would notice.
    await this.#loops
    await new Promise<void>((resolve) =>
      this.#engine.respond(words.encodePresence(this.#presence, 0), () => resolve()),
    )
    await new Promise<void>((resolve) => this.#engine.destroy(resolve))
  }

  /** Asks who is here, at once and every few minutes; and says at the beginning that this node is. */
  async #ask(): Promise<never> {
    const questions = [{ name: words.service, type: 'PTR' }]
    for (let times = 0; ; times++) {
      this.#engine.query({ questions }, (error) => this.#sent(error))
      if (times < askAtMs.length) this.#asked.resolve()
      const restMs = times + 1 < askAtMs.length ? askAtMs[times + 1]! - askAtMs[times]! : askEveryMs
      await this.#clock.sleep(restMs, this.#over.signal)
    }
  }

  async #answer(): Promise<never> {
    const { signal } = this.#over
    for (;;) {
      await this.#asked.promise
      this.#asked = Promise.withResolvers()
      await this.#clock.sleep(between(this.#random, 20, 120), signal) // Not all at once.
      this.#engine.respond(words.encodePresence(this.#presence), (error) => this.#sent(error))
      await this.#clock.sleep(answersRestMs, signal)
    }
  }

  #heard(host: string, { name, port, seconds }: words.Heard): void {
    if (name === this.#presence.name) return
    const address = formatEndpoint(host, port)
    const now = this.#clock.now()
    const known = this.#known.get(address)
    if (seconds === 0) {
      if (known !== undefined) known.until = Math.min(known.until, known.told + foundAgainMs)
      return
    }
    const until = now + seconds * 1000
    if (known !== undefined && known.until > now) {
      known.until = until
    } else if (this.#hasRoom(now)) {
      this.#known.set(address, { told: now, until })
      this.#options.log.info('found on this network', { address })
      this.#options.found(address)
    }
  }

  /** Whether one more address can be remembered, once those that are gone are forgotten. */
  #hasRoom(now: number): boolean {
    for (const [address, { until }] of this.#known) {
      if (until <= now) this.#known.delete(address)
    }
    return this.#known.size < knownMax
  }

  #sent(error?: Error | null): void {
    if (!error || this.#said.has(error.message)) return
    this.#said.add(error.message) // As many as there are codes of errors.
    const why = messageOf(error)
    this.#options.log.warn('nodes on this network may not be found', { why })
  }
}
