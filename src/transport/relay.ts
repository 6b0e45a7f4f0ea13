import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Member } from './identity.ts'
import { BytePace } from './pace.ts'
import { Places, type PlacesMax } from './relayPlaces.ts'
import { tunnel } from './relayTunnel.ts'
import { within } from './relayWithin.ts'
import * as words from './relayWords.ts'
import type { TlsTransporter } from './tlsTransporter.ts'
import type { PeerId } from './transporter.ts'

export interface RelayOptions {
  readonly transporter: Pick<TlsTransporter, 'openDoor' | 'peers' | 'id'>
  readonly clock: Clock
  readonly log: Log
  /** For all tunnels together, both ways. */
  readonly bytesPerSecond?: number
  /** Tunnels, and those that are being dug; each counts for the member that asked for it. */
  readonly tunnelsMax?: PlacesMax
  /** Members at the door that have not said yet what they want. */
  readonly arrivalsMax?: PlacesMax
  readonly firstWordMs?: number
  readonly comingMs?: number
  readonly idleMs?: number
}

const defaults = {
  bytesPerSecond: 4 << 20, // A favour: less than a common line at home carries.
  tunnelsMax: { inAll: 32, perMember: 16 }, // 150 KB each, and 1.2 MB while neither side reads.
  arrivalsMax: { inAll: 64, perMember: 16 },
  firstWordMs: 5_000,
  comingMs: 10_000, // A dial over a slow line takes a second.
  idleMs: 60_000, // The transport's own pings go through every few seconds: this one is dead.
} as const

const lastWordMs = 500 // For a member that is refused to read why.
const burstMs = 100 // So long is what may pass at once.

/**
 * Lets members that can only dial out reach each other through this node: both dial its door, and it
 * carries what they say between them. That is a TLS session of their own, so this node sees who talks to
 * whom, when, and how much, and can neither read nor change it. Close it before its transporter.
 */
export class RelayHost implements AsyncDisposable {
  readonly #options: Required<RelayOptions>
  readonly #pace: BytePace
  readonly #tunnels: Places
  readonly #arrivals: Places
  /** Those who wait for the other one to come, by the pass that it will show. */
  readonly #waiting = new Map<string, { to: PeerId; come: (stream: Duplex) => void }>()
  readonly #over = new AbortController()
  readonly #underway = new Set<Promise<void>>()

  constructor(options: RelayOptions) {
    const settled = { ...defaults, ...options }
    const { clock, bytesPerSecond, tunnelsMax, arrivalsMax, transporter } = settled
    const burstBytes = (bytesPerSecond * burstMs) / 1000
    this.#options = settled
    this.#pace = new BytePace({ clock, bytesPerSecond, burstBytes })
    this.#tunnels = new Places(tunnelsMax)
    this.#arrivals = new Places(arrivalsMax)
    transporter.openDoor(words.relayProtocol, 'member', async (stream, { member }) => {
      const visit = this.#receive(stream, member!)
      this.#underway.add(visit)
      await visit.finally(() => this.#underway.delete(visit))
    })
  }

  /** Tunnels, and those that are being dug. */
  get tunnels(): number {
    return this.#tunnels.count
  }

  /** Ends all tunnels, and refuses whoever comes. */
  async close(): Promise<void> {
    this.#over.abort(new DreyError('unreachable', 'this node relays no more'))
    await Promise.allSettled(this.#underway)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #receive(stream: Duplex, member: Member): Promise<void> {
    const { log, clock } = this.#options
    try {
      const wish = await this.#firstWord(stream, member)
      if ('pass' in wish) this.#admit(stream, member.id, wish.pass)
      else await this.#connect(stream, member.id, wish.to)
    } catch (error) {
      log.info('not relayed', { for: member.id, why: messageOf(error) })
      words.refuse(stream, error)
      await clock.sleep(lastWordMs, this.#over.signal).catch(() => {}) // Closing: no time for words.
      stream.destroy()
    }
  }

  async #firstWord(stream: Duplex, member: Member): Promise<words.Wish> {
    const { clock, firstWordMs: ms } = this.#options
    using _place = this.#arrivals.take(member.id)
    const limit = { clock, ms, why: 'it did not say what it wants', signal: this.#over.signal }
    return words.decodeWish(await within(limit, (signal) => words.hear(stream, 'request', signal)))
  }

  /** The one that was called has come: its stream is taken over by whoever called. */
  #admit(stream: Duplex, id: PeerId, pass: Uint8Array): void {
    const waiting = this.#waiting.get(toHex(pass))
    if (waiting?.to !== id) throw new DreyError('not-found', 'nobody waits for this pass')
    waiting.come(stream)
  }

  async #connect(stream: Duplex, from: PeerId, to: PeerId): Promise<void> {
    const { log, clock, idleMs } = this.#options
    using _place = this.#tunnels.take(from)
    const other = await this.#call(from, to)
    for (const side of [stream, other]) words.say(side, 'response', {})
    log.info('tunnel opened', { from, to })
    const parts = { pace: this.#pace, clock, idleMs, signal: this.#over.signal }
    log.info('tunnel ended', { from, to, ...(await tunnel(stream, other, parts)) })
  }

  /** Calls a member, and waits until it comes. */
  async #call(from: PeerId, to: PeerId): Promise<Duplex> {
    const { clock, comingMs: ms, transporter } = this.#options
    const peer = transporter.peers().find(({ id }) => id === to)
    if (peer === undefined) throw unreachable(`${to} is not connected to the relay`)
    const pass = randomBytes(words.passBytes)
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    const limit = { clock, ms, why: `${to} did not come to the relay`, signal: this.#over.signal }
    this.#waiting.set(toHex(pass), { to, come: resolve })
    try {
      return await within(limit, (signal) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        const call = { header: words.encodeCall(from, pass) }
        peer.request(call, { signal, timeoutMs: ms }).catch((cause: unknown) => {
          reject(unreachable(`${to} does not come to the relay: ${messageOf(cause)}`, cause))
        })
        return promise
      })
    } finally {
      this.#waiting.delete(toHex(pass))
    }
  }
}

function unreachable(why: string, cause?: unknown): DreyError {
  return new DreyError('unreachable', why, { cause })
}
