import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { between, type Random } from '../base/random.ts'
import { Sleeper } from './dhtWait.ts'

export interface AnnouncerParts {
  /** Announces once, and says how many have taken note. */
  readonly announce: (key: Buffer, port: number, signal: AbortSignal) => Promise<number>
  /** How long an announcement is left alone; and for how long when nobody took note. */
  readonly announceMs: number
  readonly retryMs: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Announcement {
  readonly key: Buffer
  readonly port: number
  dueAt: number
  /** How many took note the last time. */
  noted: number
}

/**
 * Announces again and again what is to be found, one thing after the other: however much it is, it makes the
 * traffic of one walk at a time.
 */
export class Announcer {
  readonly #parts: AnnouncerParts
  readonly #all = new Map<string, Announcement>()
  readonly #sleeper: Sleeper

  constructor(parts: AnnouncerParts) {
    this.#parts = parts
    this.#sleeper = new Sleeper(parts.clock)
  }

  get count(): number {
    return this.#all.size
  }

  /** Announces as soon as those before it are, and then again; `port` 0 is the one that this node speaks from. */
  add(key: Buffer, port = 0): void {
    const name = key.toString('hex')
    if (this.#all.get(name)?.port === port) return
    this.#all.set(name, { key, port, dueAt: 0, noted: 0 })
    this.#sleeper.wake()
  }

  /** Announces it no more. What was announced is forgotten by others when it is too old. */
  remove(key: Buffer): void {
    this.#all.delete(key.toString('hex'))
  }

  /** Nodes were found: what nobody took note of so far is due now. */
  retry(): void {
    for (const one of this.#all.values()) if (one.noted === 0) one.dueAt = 0
    this.#sleeper.wake()
  }

  has(key: Buffer): boolean {
    return this.#all.has(key.toString('hex'))
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<never> {
    const { announce, announceMs, retryMs, clock, random, log } = this.#parts
    for (;;) {
      const next = await this.#nextDue(signal)
      try {
        next.noted = await announce(next.key, next.port, signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn('an announcement in the DHT failed', { why: messageOf(error) }) // It is due again soon.
      }
      const restMs = next.noted > 0 ? announceMs : retryMs
      next.dueAt = clock.now() + between(random, restMs * 0.9, restMs) // Not all nodes at once.
    }
  }

  async #nextDue(signal: AbortSignal): Promise<Announcement> {
    const { clock, announceMs } = this.#parts
    for (;;) {
      const next = [...this.#all.values()].sort((a, b) => a.dueAt - b.dueAt).at(0)
      const restMs = next === undefined ? announceMs : next.dueAt - clock.now()
      if (next !== undefined && restMs <= 0) return next
      await this.#sleeper.sleep(restMs, signal)
    }
  }
}
