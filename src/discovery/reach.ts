import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Random } from '../base/random.ts'
import { formatEndpoint, parseEndpoint } from '../transport/endpoint.ts'
import type { Handler, Peer, PeerId, Transporter } from '../transport/transporter.ts'
import { wholeNumber } from './record.ts'

/** What a peer says that dialed this node back. */
export interface Trial {
  readonly by: PeerId
  /** Where it dialed: the address from which it sees this node come, and the port where this node listens. */
  readonly address: string
  /** Why it did not get there; absent when it did. */
  readonly why?: string
}

export interface ReachParts {
  readonly transporter: Transporter
  readonly clock: Clock
  readonly random: Random
  /** Where this node listens now; `undefined` when it only dials out. */
  readonly port: () => number | undefined
  /** Who answers at an address, by a connection that is given up at once. */
  readonly probe: (address: string, signal: AbortSignal) => Promise<PeerId>
}

const limits = {
  firstMs: 1_000, // After the first member is there: others may follow.
  againMs: 600_000,
  askedMax: 3,
  answerMs: 15_000, // A dial that nobody answers takes ten seconds.
  probesMax: 4, // That this node makes for others at a time, and one for each.
} as const

/**
 * Whether others can dial this node. It cannot know by itself, so it asks some members to dial it back, at the
 * address that they see it come from. They dial no other, so nobody can use them to knock elsewhere.
 */
export class Reach implements Disposable {
  readonly #parts: ReachParts
  readonly #probing = new Set<PeerId>()
  readonly #over = new AbortController()
  readonly #stopWatching: () => void
  #trials: readonly Trial[] = []
  #nudge: () => void = () => {}

  constructor(parts: ReachParts) {
    this.#parts = parts
    this.#stopWatching = parts.transporter.watch(({ type }) => {
      if (type === 'up' && this.#trials.length === 0) this.again()
    })
    void this.#run()
  }

  /** What the members said who tried last. */
  get trials(): readonly Trial[] {
    return this.#trials
  }

  /** Addresses at which a member has reached this node. */
  confirmed(): string[] {
    const reached = this.#trials.filter(({ why }) => why === undefined)
    return [...new Set(reached.map(({ address }) => address))]
  }

  /** Asks anew, soon: this node's addresses have changed. */
  again(): void {
    this.#nudge()
  }

  /** Asks some members to dial back now; what they said. */
  async try(): Promise<readonly Trial[]> {
    const { transporter, random } = this.#parts
    const port = this.#parts.port()
    if (port === undefined) return []
    const peers = transporter.peers()
    while (peers.length > limits.askedMax)
      peers.splice(Math.floor(random.fraction() * peers.length), 1)
    const asked = await Promise.all(peers.map((peer) => this.#ask(peer, port)))
    if (!this.#over.signal.aborted) this.#trials = asked.filter((trial) => trial !== undefined)
    return this.#trials
  }

  /** Answers `reach`: dials the peer back. */
  readonly answer: Handler = async (peer, { header }, signal) => {
    const { host, port } = { ...this.#hostOf(peer), port: wholeNumber(header.port, 'port') }
    if (this.#probing.has(peer.id) || this.#probing.size >= limits.probesMax) {
      throw new DreyError('busy', 'this node is dialing back already')
    }
    const address = formatEndpoint(host, port)
    this.#probing.add(peer.id)
    try {
      const there = await this.#parts.probe(address, signal)
      if (there === peer.id) return { header: { address } }
      return { header: { address, why: `another member answers at ${address}` } }
    } catch (error) {
      return { header: { address, why: messageOf(error).slice(0, 300) } }
    } finally {
      this.#probing.delete(peer.id)
    }
  };

  [Symbol.dispose](): void {
    this.#over.abort(new Error('the node is closing'))
    this.#stopWatching()
  }

  #hostOf(peer: Peer): { host: string } {
    if (!peer.address.startsWith('relay:')) return parseEndpoint(peer.address)
    throw new DreyError('bad-input', 'this node sees the peer come over a relay alone')
  }

  async #run(): Promise<void> {
    const { clock, transporter } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      const isKnown = this.#trials.length > 0 || transporter.peers().length === 0
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#nudge = resolve
      const resting = clock.sleep(isKnown ? limits.againMs : limits.firstMs, signal).catch(() => {}) // Closing.
      await Promise.race([resting, promise])
      if (signal.aborted) return
      await clock.sleep(limits.firstMs, signal).catch(() => {}) // Closing.
      await this.try()
    }
  }

  async #ask(peer: Peer, port: number): Promise<Trial | undefined> {
    try {
      const message = { header: { op: 'reach', port } }
      const answer = await peer.request(message, { timeoutMs: limits.answerMs })
      answer.release?.()
      const { address, why } = answer.header
      if (typeof address !== 'string') return undefined
      parseEndpoint(address)
      return { by: peer.id, address, ...(typeof why === 'string' ? { why } : {}) }
    } catch {
      return undefined // It cannot say: another one may.
    }
  }
}
