import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/base/clock.ts'
import type { Random } from '../../src/base/random.ts'

interface Timer {
  readonly at: number
  /** Of timers of one millisecond the lowest lot goes first. */
  readonly lot: number
  readonly go: () => void
  isOff: boolean
}

const beginning = Date.UTC(2030, 0, 1)

/**
 * Time that costs nothing: it stands still while anything runs, and jumps to the next timer when nothing
 * does. What ends in the same millisecond ends in an order of chance. The same chance gives the same time.
 */
export class VirtualClock implements Clock {
  readonly #random: Random
  readonly #timers: Timer[] = [] // A heap: none is earlier than its parent, the one at half its index.
  #now = beginning
  #off = 0
  /** Timers that have ended: two runs that are alike have as many. */
  steps = 0

  constructor(random: Random) {
    this.#random = random
  }

  now(): number {
    return this.#now
  }

  /** Milliseconds since the beginning. */
  get age(): number {
    return this.#now - beginning
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const at = Math.ceil(this.#now + Math.max(0, ms))
    const timer = { at, lot: this.#random.fraction(), go: resolve, isOff: false }
    const leave = () => {
      timer.isOff = true
      this.#off += 1
      reject(signal!.reason as Error)
      if (this.#off > 64 && this.#off > this.#timers.length / 2) this.#sweep()
    }
    this.#push(timer)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Lets time pass until this is settled. Throws when nothing is left that could settle it. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => void (isOver = true)
    work.then(over, over)
    for (;;) {
      await turn() // Everything that was due has run, and all that followed from it.
      if (isOver) return work
      const next = this.#next()
      if (next === undefined) throw new Error('everything waits, and there is nothing to wait for')
      this.#now = Math.max(this.#now, next.at)
      this.steps += 1
      next.go()
    }
  }

  #next(): Timer | undefined {
    let next = this.#pop()
    while (next?.isOff) {
      this.#off -= 1
      next = this.#pop()
    }
    return next
  }

  #push(timer: Timer): void {
    const timers = this.#timers
    let at = timers.push(timer) - 1
    while (at > 0 && isBefore(timer, timers[(at - 1) >> 1]!)) {
      timers[at] = timers[(at - 1) >> 1]!
      at = (at - 1) >> 1
    }
    timers[at] = timer
  }

  #pop(): Timer | undefined {
    const timers = this.#timers
    const [first, last] = [timers[0], timers.pop()]
    if (timers.length === 0) return first
    let at = 0
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      if (left >= timers.length) break
      const isRight = right < timers.length && isBefore(timers[right]!, timers[left]!)
      const child = isRight ? right : left
      if (!isBefore(timers[child]!, last!)) break
      timers[at] = timers[child]!
      at = child
    }
    timers[at] = last!
    return first
  }

  /** Timers that nobody waits for make room. */
  #sweep(): void {
    const left = this.#timers.splice(0).filter(({ isOff }) => !isOff)
    this.#off = 0
    for (const timer of left) this.#push(timer)
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.lot < b.lot)
}
