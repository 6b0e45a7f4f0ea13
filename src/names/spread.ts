import { equalBytes, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Rarely } from '../base/rarely.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Notary } from '../transport/notary.ts'
import type { Message, Peer, PeerId, Transporter } from '../transport/transporter.ts'
import { decodeEntry, encodeEntry, entryLimits, type Entry } from './entry.ts'
import { differing, type Register } from './register.ts'
import { bucketsMax, decodeWords, encodeWords, entriesMax, type NameWords } from './words.ts'

export interface SpreadParts {
  readonly register: Register
  readonly transporter: Transporter
  readonly membership: Pick<Membership, 'whyNot' | 'watch'>
  readonly notary: Notary
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Milliseconds. */
export interface SpreadLimits {
  /** A node compares with one peer, chosen by chance; what is new is handed on at once besides. */
  readonly exchangeMs: number
  /** Nothing came of comparing, though the two differ: it is not tried again before. */
  readonly restMs: number
  readonly answerMs: number
  /** What one member signed that is taken in within `countMs`. */
  readonly entriesOfOneMax: number
  readonly countMs: number
}

export const spreadDefaults: SpreadLimits = {
  exchangeMs: 10_000,
  restMs: 600_000,
  answerMs: 4_000,
  entriesOfOneMax: 4_096, // A second of checking signatures; who has so many more names is patient once.
  countMs: 600_000,
}

const rumorPeers = 6 // That each hands a new entry to: it is with everyone within a few steps.
const replyBytesMax = 128 * 1024 // What answers bring, so that nobody checks signatures for long.
const settlingMs = 20

/**
 * Brings entries to everyone: each new one is handed on at once, and registers are compared with those who come
 * and with others now and then. Whatever comes is checked by itself, whoever brings it.
 */
export class Spread implements AsyncDisposable {
  readonly #parts: SpreadParts
  readonly #limits: SpreadLimits
  readonly #rarely: Rarely
  readonly #over = new AbortController()
  readonly #stops: (() => void)[]
  readonly #comparing = new Map<Peer, Promise<void>>()
  readonly #restingSince = new WeakMap<Peer, number>()
  /** How many of each signer's entries were taken in since `#countedFrom`. */
  readonly #counts = new Map<PeerId, number>()
  #countedFrom = -Infinity
  readonly #running: Promise<void>

  constructor(parts: SpreadParts, limits: Partial<SpreadLimits> = {}) {
    this.#parts = parts
    this.#limits = { ...spreadDefaults, ...limits }
    this.#rarely = new Rarely(parts.clock)
    this.#stops = [
      parts.transporter.watch(({ type, peer }) => void (type === 'up' && this.compareWith(peer))),
      parts.membership.watch(() => void this.#forgetEvicted()),
    ]
    for (const peer of parts.transporter.peers()) void this.compareWith(peer)
    void this.#forgetEvicted()
    this.#running = this.#run()
  }

  /** Answers a peer: `names`. */
  async answer(peer: Peer, request: Message): Promise<Message> {
    const said = decodeWords(request.payload)
    const { register } = this.#parts
    const payload = encodeWords({
      ...(said.entries && { taken: await this.#learn(said.entries, peer) }),
      ...(said.sum && !equalBytes(said.sum, register.sum) && { sums: register.sums() }),
      ...(said.has && this.#compare(said.has)),
    })
    return { header: {}, payload }
  }

  /** Takes in what was said here, and hands it on; resolves to those who have heard it. */
  async say(entries: readonly Entry[]): Promise<Peer[]> {
    for (const { by } of entries) this.#count(by.id)
    await this.#parts.register.add(entries)
    return this.#hand(entries, Infinity)
  }

  /** Whether this member has not said too much lately. */
  mayHear(signer: PeerId): boolean {
    const now = this.#parts.clock.now()
    if (Math.abs(now - this.#countedFrom) >= this.#limits.countMs) {
      this.#counts.clear()
      this.#countedFrom = now
    }
    return (this.#counts.get(signer) ?? 0) < this.#limits.entriesOfOneMax
  }

  /** Resolves when those who are here have been compared with, or the time is up. */
  async settled(timeoutMs: number): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + timeoutMs
    while (this.#comparing.size > 0 && clock.now() < until) await clock.sleep(settlingMs)
  }

  /** Compares registers: afterwards both have all that either had, as far as it holds and there is room. */
  compareWith(peer: Peer): Promise<void> {
    const running = this.#comparing.get(peer)
    if (running !== undefined) return running
    const comparing = this.#compareWith(peer).finally(() => this.#comparing.delete(peer))
    this.#comparing.set(peer, comparing)
    return comparing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new DreyError('unreachable', 'the node is closing'))
    for (const stop of this.#stops) stop()
    await this.#running
    await Promise.all(this.#comparing.values())
  }

  async #run(): Promise<void> {
    const { clock, random, transporter } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      const restMs = this.#limits.exchangeMs * (0.75 + random.fraction() / 2)
      await clock.sleep(restMs, signal).catch(() => {}) // Only when the node closes.
      const peers = transporter.peers()
      const peer = peers[Math.floor(random.fraction() * peers.length)]
      if (peer && !signal.aborted && !this.#rests(peer)) await this.compareWith(peer)
    }
  }

  #rests(peer: Peer): boolean {
    const since = this.#restingSince.get(peer) ?? -Infinity
    return Math.abs(this.#parts.clock.now() - since) < this.#limits.restMs
  }

  async #compareWith(peer: Peer): Promise<void> {
    try {
      // What comes from others meanwhile may leave nothing to be moved: not twice.
      for (let needless = 0; needless < 2;) {
        const moved = await this.#compareOnce(peer)
        if (moved === undefined) return // They are the same.
        needless = moved > 0 ? 0 : needless + 1
      }
      this.#restingSince.set(peer, this.#parts.clock.now())
    } catch (error) {
      if (this.#over.signal.aborted) return
      if (!isDreyError(error)) this.#parts.log.error('comparing names failed', { error })
      this.#rarely.say(peer.id, (held) => {
        const why = messageOf(error)
        this.#parts.log.info('could not compare names', { member: peer.id, why, held })
      })
    }
  }

  /** How many entries one side had that the other took, or `undefined` when there is no difference. */
  async #compareOnce(peer: Peer): Promise<number | undefined> {
    const { register } = this.#parts
    const { sums } = await this.#ask(peer, { sum: register.sum })
    if (sums === undefined) return undefined
    const buckets = differing(register.sums(), sums).slice(0, bucketsMax)
    const has = buckets.map((bucket) => [bucket, register.hashesIn(bucket)] as const)
    const { entries = [], lacks = [] } = await this.#ask(peer, { has })
    const learnt = await this.#learn(entries, peer)
    const given = fitting(register.entriesOf(lacks.slice(0, entriesMax)))
    if (given.length === 0) return learnt
    const { taken = 0 } = await this.#ask(peer, { entries: given })
    return learnt + Math.min(taken, given.length)
  }

  /** What the other side has not, and what it has that is not here. */
  #compare(has: NonNullable<NameWords['has']>): NameWords {
    const { register } = this.#parts
    const mine = has.flatMap(([bucket]) => register.hashesIn(bucket))
    const theirs = has.flatMap(([, hashes]) => hashes)
    const names = (hashes: readonly Uint8Array[]) => new Set(hashes.map(toHex))
    const [isMine, isTheirs] = [names(mine), names(theirs)]
    const unknown = mine.filter((hash) => !isTheirs.has(toHex(hash))).slice(0, entriesMax)
    return {
      entries: fitting(register.entriesOf(unknown)),
      lacks: theirs.filter((hash) => !isMine.has(toHex(hash))).slice(0, entriesMax),
    }
  }

  /** Takes in what somebody brings; how much of it was new. Throws what the first throws that does not hold. */
  async #learn(all: readonly Uint8Array[], from: Peer): Promise<number> {
    const { notary, register } = this.#parts
    const entries = all.map((bytes) => decodeEntry(notary, bytes))
    const fresh = await register.add(entries.filter((entry) => this.#isWanted(entry)))
    for (const { by } of fresh) this.#count(by.id)
    if (fresh.length > 0) void this.#hand(fresh, rumorPeers, from)
    return fresh.length
  }

  #isWanted({ at, by }: Entry): boolean {
    const { clock, membership } = this.#parts
    const isOfNow = at <= clock.now() + entryLimits.aheadMs
    return isOfNow && membership.whyNot(by) === undefined && this.mayHear(by.id)
  }

  #count(signer: PeerId): void {
    this.#counts.set(signer, (this.#counts.get(signer) ?? 0) + 1)
  }

  /** Whoever misses it has it when it compares. */
  async #hand(entries: readonly Entry[], count: number, except?: Peer): Promise<Peer[]> {
    const { transporter, random } = this.#parts
    const peers = transporter.peers().filter((peer) => peer !== except)
    while (peers.length > count) peers.splice(Math.floor(random.fraction() * peers.length), 1)
    const words = { entries: fitting(entries.slice(0, entriesMax)) }
    const told = await Promise.allSettled(peers.map((peer) => this.#ask(peer, words)))
    return peers.filter((_, at) => told[at]!.status === 'fulfilled')
  }

  async #ask(peer: Peer, words: NameWords): Promise<NameWords> {
    const message = { header: { op: 'names' }, payload: encodeWords(words) }
    const { signal } = this.#over
    const answer = await peer.request(message, { timeoutMs: this.#limits.answerMs, signal })
    try {
      return decodeWords(answer.payload)
    } finally {
      answer.release?.()
    }
  }

  async #forgetEvicted(): Promise<void> {
    const { register, membership, log } = this.#parts
    try {
      const count = await register.forget((signer) => membership.whyNot(signer) !== undefined)
      if (count > 0) log.warn('what an evicted member had set of names is forgotten', { count })
    } catch (error) {
      log.error('names of evicted members could not be forgotten', { error })
    }
  }
}

/** As many as fit into one message; the rest comes with the next. At least one. */
function fitting(entries: readonly Entry[]): Uint8Array[] {
  const all = entries.map(encodeEntry)
  let room = replyBytesMax
  return all.filter((bytes, at) => (room -= bytes.length) >= 0 || at === 0)
}
