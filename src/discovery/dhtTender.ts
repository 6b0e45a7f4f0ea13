import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Contact, Rpc } from 'bittorrent-dht'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { parseEndpoint } from '../transport/endpoint.ts'
import type { DhtLimits } from './dhtLimits.ts'

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
const askingMax = 64

/**
 * Keeps the routing table true: asks those that were not heard for long, and looks for neighbours now and
 * then. The engine would do so by asking the whole table once in a quarter of an hour, up to the first node
 * that is gone; and sixteen nodes, whenever a stranger to a full bucket says a word.
 */
export class Tender {
  readonly #parts: TenderParts
  /** Addresses that were told, to be asked again when nobody is left. */
  readonly #told = new Set<string>()
  #woken = new AbortController()
  #asking = 0
  #isChoosing = false
  #exploredAt = -Infinity

  constructor(parts: TenderParts) {
    this.#parts = parts
    const { nodes } = parts.rpc
    nodes.on('added', ({ id }) => {
      if (nodes.count() <= fewNodes && nodes.get(id) !== null) this.#woken.abort() // No guest.
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

  /** Until the signal; calls `round` once a minute. */
  async run(signal: AbortSignal, round: () => void): Promise<never> {
    const { rpc, limits, clock, explore } = this.#parts
    for (;;) {
      const isDue = this.#woken.signal.aborted || clock.now() - this.#exploredAt >= limits.refreshMs
      this.#woken = new AbortController()
      if (rpc.nodes.count() === 0) for (const address of this.#told) void this.#ask(address)
      else if (isDue) {
        this.#exploredAt = clock.now()
        await explore(signal)
      }
      this.#askQuiet()
      round()
      const restMs = rpc.nodes.count() === 0 ? limits.aloneMs : limits.roundMs
      const either = AbortSignal.any([signal, this.#woken.signal])
      await clock.sleep(restMs, either).catch(() => signal.throwIfAborted()) // Woken by the first nodes.
    }
  }

  #askQuiet(): void {
    const { rpc } = this.#parts
    const quiet = rpc.nodes.toArray().filter((contact) => this.#isQuiet(contact))
    quiet.sort((a, b) => (a.seen ?? 0) - (b.seen ?? 0))
    for (const contact of quiet.slice(0, askedPerRound)) {
      rpc.query(contact, { q: 'ping' }, (error) => {
        if (error !== null) rpc.nodes.remove(contact.id)
      })
    }
  }

  #isQuiet({ seen = 0 }: Contact): boolean {
    return this.#parts.clock.now() - seen >= this.#parts.limits.quietMs
  }

  async #ask(address: string): Promise<void> {
    const { rpc, log } = this.#parts
    if (this.#asking >= askingMax) return
    this.#asking += 1
    try {
      const { host, port } = parseEndpoint(address)
      if (isIP(host) === 6) throw new DreyError('bad-input', 'the DHT speaks IPv4 alone')
      const ip = isIP(host) === 4 ? host : (await lookup(host, { family: 4 })).address
      rpc.query({ host: ip, port }, { q: 'ping' }, (error) => {
        this.#asking -= 1
        if (error !== null)
          log.debug('no node of the DHT answers', { address, why: messageOf(error) })
      })
    } catch (error) {
      this.#asking -= 1
      log.debug('no node of the DHT can be there', { address, why: messageOf(error) })
    }
  }
}
