import { codecs, formatAddress, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Store } from '../store/store.ts'
import type { Found } from './locate.ts'
import * as protocol from './protocol.ts'
import type { Operations } from './serve.ts'

/** Where roots are announced: the DHT. */
export interface Announcer {
  publish(root: Address): void
  unpublish(root: Address): void
}

export interface PublisherParts {
  readonly announcer: Announcer
  readonly membership: Membership
  readonly store: Store
  readonly locate: (root: Address, options: { signal: AbortSignal }) => Promise<readonly Found[]>
  /** Makes the list of what is published here survive a restart. */
  readonly save: (roots: readonly string[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

const againMs = 3_600_000
const favourMs = 2.5 * againMs // Holders are asked again in time, unless the publisher is gone or has withdrawn.
const publishedMax = 1_000
const favoursMax = 1_000
const answerMs = 4_000

/**
 * Roots that this node has announced in the DHT, so that nodes which know nobody who has them find them: it
 * announces itself, and asks the root's holders to announce themselves. They do that for a while; as long as
 * it runs, it asks again.
 */
export class Publisher implements Disposable {
  readonly #parts: PublisherParts
  readonly #published = new Map<string, Address>()
  /** What is announced because another member asked for it, and until when. */
  readonly #favours = new Map<string, { root: Address; until: number }>()
  readonly #over = new AbortController()

  /** What peers may ask: `announce`, of which the answer says whether this node will. */
  readonly operations: Operations = {
    announce: async (_peer, { header }) => {
      const root = protocol.decodeBlock(header)
      const willing = (await this.#parts.store.shardsOf(root)).length > 0 && this.#take(root)
      return { header: { willing } }
    },
  }

  constructor(parts: PublisherParts, roots: readonly Address[]) {
    this.#parts = parts
    for (const root of roots) this.#begin(root)
    void this.#run()
  }

  /** The addresses that are published here. */
  list(): string[] {
    return [...this.#published.keys()]
  }

  /** Resolves when it is announced here and its holders were asked. Throws 'bad-input', 'busy'. */
  async publish(root: Address): Promise<void> {
    if (root.code !== codecs['dag-cbor']) {
      throw new DreyError('bad-input', 'this is the address of a part of a blob: publish the whole')
    }
    if (this.#published.size >= publishedMax) {
      throw new DreyError('busy', `${publishedMax} blobs are published here: unpublish some`)
    }
    this.#begin(root)
    await this.#parts.save(this.list())
    await this.#askHolders(root)
  }

  /** Holders forget it within a few hours. Throws 'not-found' when it was not published here. */
  async unpublish(root: Address): Promise<void> {
    if (!this.#published.delete(formatAddress(root))) {
      throw new DreyError('not-found', `${formatAddress(root)} is not published at this node`)
    }
    this.#parts.announcer.unpublish(root)
    await this.#parts.save(this.list())
  }

  [Symbol.dispose](): void {
    this.#over.abort(new Error('the node is closing'))
  }

  #begin(root: Address): void {
    this.#published.set(formatAddress(root), root)
    this.#parts.announcer.publish(root)
  }

  #take(root: Address): boolean {
    const name = formatAddress(root)
    if (!this.#favours.has(name) && this.#favours.size >= favoursMax) return false
    this.#favours.set(name, { root, until: this.#parts.clock.now() + favourMs })
    if (!this.#published.has(name)) this.#parts.announcer.publish(root)
    return true
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      try {
        await clock.sleep(againMs, signal)
      } catch {
        return // Closing.
      }
      this.#forgetFavours()
      for (const root of this.#published.values()) await this.#askHolders(root)
    }
  }

  #forgetFavours(): void {
    const now = this.#parts.clock.now()
    for (const [name, { root, until }] of this.#favours) {
      if (until > now) continue
      this.#favours.delete(name)
      if (!this.#published.has(name)) this.#parts.announcer.unpublish(root)
    }
  }

  async #askHolders(root: Address): Promise<void> {
    const { locate, membership, log } = this.#parts
    const header = { op: 'announce', block: root }
    try {
      const layers = await locate(root, { signal: this.#over.signal })
      const replies = layers.flatMap((layer) => layer.replies)
      const holders = replies.filter(
        ({ shards, id }) => shards.length > 0 && id !== membership.own.id,
      )
      await Promise.all(
        holders.map(async ({ id }) => {
          const peer = await membership.connector.reach(id)
          const answer = await peer.request({ header }, { timeoutMs: answerMs })
          answer.release?.()
        }),
      )
    } catch (error) {
      if (this.#over.signal.aborted) return
      if (!isDreyError(error)) throw error
      const why = messageOf(error)
      log.info('not every holder was asked to announce', { root: formatAddress(root), why })
    }
  }
}
