import { free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { mapAhead } from '../base/flow.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { Rarely } from '../base/rarely.ts'
import type { Activity } from '../node/activity.ts'
import type { RotNews } from '../store/rotNews.ts'
import { formatShardName, subfolders } from '../store/shardName.ts'
import type { ShardName, Store } from '../store/store.ts'
import type { ScrubCount, ScrubProgress, ScrubReport, ScrubState } from './scrubState.ts'

const defaults = {
  readsAtOnce: 2, // At full speed. Four were not faster, and took 4 MB more.
  hasteMax: 8, // A node that runs three hours a day still reads everything in time.
  saveMs: 600_000, // What was read since is read again after a crash.
} as const

const dayMs = 24 * 3_600_000

export interface ScrubberParts {
  readonly store: Store
  /** What the same store found rotten. */
  readonly rot: RotNews
  readonly activity: Activity
  readonly clock: Clock
  readonly log: Log
  /** Remembers the state over a restart. */
  readonly save: (state: ScrubState) => Promise<void>
}

export interface ScrubberOptions {
  /** How long reading everything once takes. */
  readonly days: number
  /** Where it was. */
  readonly state?: ScrubState
}

/**
 * Reads every shard of a store, again and again: the store checks what it reads, sets aside what had
 * rotted, and tells of it. Rot that nobody reads would be found when the shard is needed, which is too
 * late.
 *
 * A pass has its time (`days`), divided evenly over the subfolders, and what a subfolder gets over its
 * shards. What was missed while the node was off, or while people were waiting, is made up for. The names of
 * one subfolder are in memory at a time. A shard that cannot be read is counted, and the rest goes on.
 */
export class Scrubber implements Disposable {
  readonly #parts: ScrubberParts
  readonly #periodMs: number
  readonly #rarely: Rarely
  readonly #unlisten: () => void
  #pass: Pass
  #last: ScrubReport | undefined
  /** At full speed, beside the other. */
  #quick: Pass | undefined
  #savedAt: number

  constructor(parts: ScrubberParts, { days, state }: ScrubberOptions) {
    const { clock, rot } = parts
    this.#parts = parts
    this.#periodMs = days * dayMs
    this.#rarely = new Rarely(clock)
    this.#savedAt = clock.now()
    this.#pass = state ? passFrom(state.pass) : newPass(clock.now())
    this.#last = state?.last
    this.#unlisten = rot.listen(() => {
      for (const pass of [this.#pass, this.#quick]) if (pass) pass.rotted += 1
    })
  }

  get progress(): ScrubProgress {
    const { at, startedAt } = this.#pass
    const endsAt = this.#parts.clock.now() + this.#shareMs() * (subfolders.length - at)
    const part = at / subfolders.length
    return {
      pass: { ...countOf(this.#pass), startedAt, part, endsAt: Math.round(endsAt) },
      last: this.#last,
    }
  }

  /** Reads everything at its pace, and begins again, until it is told to stop; then it has saved where it is. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#crawl(signal)
        if (this.#parts.clock.now() - this.#savedAt >= defaults.saveMs) await this.#save()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await this.#save()
    }
  }

  /** Reads everything once, at full speed. It counts as a pass: the next one begins then. Throws 'busy' when
   * somebody else has asked for the same. */
  async now(options: {
    signal: AbortSignal
    report: (count: ScrubCount) => void
  }): Promise<ScrubReport> {
    const { signal, report } = options
    if (this.#quick !== undefined) throw new DreyError('busy', 'everything is being read already')
    const pass = newPass(this.#parts.clock.now())
    this.#quick = pass
    try {
      for (const subfolder of subfolders) {
        signal.throwIfAborted()
        const names = await this.#namesIn(subfolder, pass)
        const work = (name: ShardName) => this.#read(name, pass, signal)
        for await (const _ of mapAhead(names, defaults.readsAtOnce, work)) report(countOf(pass))
      }
    } finally {
      this.#quick = undefined
    }
    const done = this.#finish(pass)
    await this.#save()
    return done
  }

  [Symbol.dispose](): void {
    this.#unlisten()
  }

  /** Reads one subfolder in the time that it has. One that was not finished is read, and counted, anew. */
  async #crawl(signal: AbortSignal): Promise<void> {
    const pass = this.#pass
    const { shards, bytes, unread } = pass
    try {
      const shareMs = this.#shareMs()
      const names = await this.#namesIn(subfolders[pass.at]!, pass)
      const eachMs = shareMs / (names.length + 1)
      await this.#rest(eachMs, signal) // An empty one has its time too: in the long run all are alike.
      for (const name of names) {
        await this.#read(name, pass, signal)
        await this.#rest(eachMs, signal)
      }
    } catch (error) {
      Object.assign(pass, { shards, bytes, unread })
      throw error
    }
    pass.at += 1
    if (pass.at === subfolders.length && pass === this.#pass) this.#finish(pass)
  }

  /** How long the next subfolder has: what is left of the pass's time, divided by those that are left. */
  #shareMs(): number {
    const { at, startedAt } = this.#pass
    const leftMs = startedAt + this.#periodMs - this.#parts.clock.now()
    const usualMs = this.#periodMs / subfolders.length
    const evenMs = leftMs / (subfolders.length - at)
    return Math.min(usualMs, Math.max(usualMs / defaults.hasteMax, evenMs)) // Or a clock was set.
  }

  /** Gives way while people wait, for as long again at most: the pass has to end. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, activity } = this.#parts
    await clock.sleep(ms, signal)
    if (activity.isBusy) await clock.sleep(ms, signal)
  }

  async #namesIn(subfolder: string, pass: Pass): Promise<ShardName[]> {
    try {
      return await Array.fromAsync(this.#parts.store.list({ subfolder }))
    } catch (error) {
      this.#missed(pass, subfolder, error)
      return []
    }
  }

  async #read(name: ShardName, pass: Pass, signal: AbortSignal): Promise<void> {
    try {
      const shard = await this.#parts.store.get(name, { signal })
      if (shard === undefined) return // Deleted meanwhile; or rotten, and the store has told.
      pass.shards += 1
      pass.bytes += shard.bytes.length
      free(shard.bytes)
    } catch (error) {
      signal.throwIfAborted()
      this.#missed(pass, formatShardName(name), error)
    }
  }

  #missed(pass: Pass, what: string, error: unknown): void {
    pass.unread += 1
    this.#rarely.say('unread', (held) => {
      this.#parts.log.error('the scrub could not read something, and goes on', {
        ...{ what, error, held },
      })
    })
  }

  #finish(pass: Pass): ScrubReport {
    const { clock, log } = this.#parts
    const endedAt = clock.now()
    this.#last = { ...countOf(pass), startedAt: pass.startedAt, endedAt }
    this.#pass = newPass(endedAt)
    log.info('everything kept here has been read', this.#last)
    return this.#last
  }

  async #save(): Promise<void> {
    const { clock, log, save } = this.#parts
    const { at, startedAt } = this.#pass
    this.#savedAt = clock.now()
    const pass = { ...countOf(this.#pass), startedAt, subfolder: subfolders[at]! }
    await save({ pass, last: this.#last }).catch((error: unknown) => {
      log.warn(`where the scrub is could not be saved: ${messageOf(error)}`)
    })
  }
}

/** A pass under way: the subfolders before the one `at` this place have been read. */
type Pass = { -readonly [Field in keyof ScrubCount]: number } & {
  readonly startedAt: number
  at: number
}

function newPass(startedAt: number): Pass {
  return { startedAt, at: 0, shards: 0, bytes: 0, rotted: 0, unread: 0 }
}

function passFrom({ subfolder, ...pass }: ScrubState['pass']): Pass {
  return { ...pass, at: subfolders.indexOf(subfolder) }
}

function countOf({ shards, bytes, rotted, unread }: ScrubCount): ScrubCount {
  return { shards, bytes, rotted, unread }
}
