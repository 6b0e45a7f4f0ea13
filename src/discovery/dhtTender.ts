import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Contact, Rpc, To } from 'bittorrent-dht'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { parseEndpoint } from '../transport/endpoint.ts'
import type { DhtLimits } from './dhtLimits.ts'
import { Sleeper, unlessAborted } from './dhtWait.ts'

export interface TenderParts {
  readonly rpc: Rpc
  readonly limits: DhtLimits
  readonly clock: Clock
  readonly log: Log
  /** Looks for nodes nearby, and elsewhere. */
  readonly explore: (signal: AbortSignal) => Promise<void>
}

const askedPerRound = 16 // A table of 200 is asked through in a quarter of an hour.
const fewNodes = 4
const toldMax = 32
const pingsMax = 2
const askingMax = 64
const doubtedMax = 32

/**
 * Keeps the routing table true: asks those that were not heard for long, and looks for neighbours now and
 * then. The engine would do so by asking the whole table once in a quarter of an hour, up to the first node
 * that is gone; and sixteen nodes, whenever a stranger to a full bucket says a word.
 */
export class Tender {
  readonly #parts: TenderParts
  /** Addresses that were told, to be asked again when nobody is left. */
  readonly #told = new Set<string>()
  readonly #sleeper: Sleeper
  readonly #doubted = new Set<Contact>()
  #asking = 0
  #isChoosing = false
  #exploredAt = -Infinity

  constructor(parts: TenderParts) {
    this.#parts = parts
    this.#sleeper = new Sleeper(parts.clock)
    const { nodes } = parts.rpc
    nodes.on('added', ({ id }) => {
      if (nodes.count() <= fewNodes && nodes.get(id) !== null) this.#sleeper.wake() // No guest.
    })
  }

  /** Asks a node for itself; who answers is in the table. */
  add(address: string): void {
    this.#told.delete(address)
    this.#told.add(address)
    for (const oldest of this.#told) if (this.#told.size > toldMax) this.#told.delete(oldest)
    void this.#ask(address)
  }

  /** The bucket of a new node is full: it takes the place of the oldest, if that one is gone. */
  choose(oldest: readonly Contact[], replace: (gone: Contact) => void): void {
    const [first] = oldest.toSorted((a, b) => (a.seen ?? 0) - (b.seen ?? 0))
    if (first === undefined || this.#isChoosing || !this.#isQuiet(first)) return
    this.#isChoosing = true
    this.#parts.rpc.query(first, { q: 'ping' }, (error) => {
      this.#isChoosing = false
      if (error !== null) replace(first)
    })
  }

  /** A node did not answer somebody: it goes, unless it answers now, or was never there. */
  doubt({ id, host, port }: Omit<Contact, 'seen'>): void {
    const { nodes } = this.#parts.rpc
    const known = nodes.get(id)
    if (known?.host !== host || known.port !== port || this.#doubted.has(known)) return
    if (this.#doubted.size >= doubtedMax) return // It will be doubted again.
    this.#doubted.add(known)
    this.#ping(known)
      .catch(() => nodes.remove(id))
      .finally(() => this.#doubted.delete(known))
  }

  /** Until the signal; calls `round` once a minute. */
  async run(signal: AbortSignal, round: () => void): Promise<never> {
    const { rpc, limits, clock, explore } = this.#parts
    for (let isWoken = false; ;) {
      const isDue = isWoken || clock.now() - this.#exploredAt >= limits.refreshMs
      const isAlone = rpc.nodes.count() === 0
      if (isDue || isAlone) await unlessAborted(this.#askTold(), signal)
      if ((isDue || isAlone) && rpc.nodes.count() > 0) {
        this.#exploredAt = clock.now()
        await explore(signal)
      }
      this.#askQuiet()
      round()
      const restMs = rpc.nodes.count() === 0 ? limits.aloneMs : limits.roundMs
      isWoken = await this.#sleeper.sleep(restMs, signal) // By the first nodes.
    }
  }

  #askQuiet(): void {
    const { rpc } = this.#parts
    const quiet = rpc.nodes.toArray().filter((contact) => this.#isQuiet(contact))
    quiet.sort((a, b) => (a.seen ?? 0) - (b.seen ?? 0))
    for (const contact of quiet.slice(0, askedPerRound)) this.doubt(contact)
  }

  #isQuiet({ seen = 0 }: Contact): boolean {
    return this.#parts.clock.now() - seen >= this.#parts.limits.quietMs
  }

  /** Also while others are known: those may be an island, and these the rest. */
  async #askTold(): Promise<void> {
    await Promise.all(Array.from(this.#told, (address) => this.#ask(address)))
  }

  async #ask(address: string): Promise<void> {
    const { log } = this.#parts
    if (this.#asking >= askingMax) return
    this.#asking += 1
    try {
      const { host, port } = parseEndpoint(address)
      if (isIP(host) === 6) throw new DreyError('bad-input', 'the DHT speaks IPv4 alone')
      const ip = isIP(host) === 4 ? host : (await lookup(host, { family: 4 })).address
      await this.#ping({ host: ip, port })
    } catch (error) {
      log.debug('no node of the DHT is there', { address, why: messageOf(error) })
    } finally {
      this.#asking -= 1
    }
  }

  /** Rejects when there is no answer to any of some questions: packets are lost. */
  async #ping(to: To): Promise<void> {
    for (let times = 1; ; times++) {
      const { promise, resolve } = Promise.withResolvers<Error | null>()
      this.#parts.rpc.query(to, { q: 'ping' }, resolve)
      const error = await promise
      if (error === null) return
      if (times === pingsMax) throw error
    }
  }
}
