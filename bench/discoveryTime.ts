import type { Clock } from '../src/base/clock.ts'

interface Entry {
  readonly happen: () => void
  readonly everyMs: number
  isOver: boolean
}

/** What the timers of programs give back; `ref` and `unref` mean nothing here. */
interface Timer {
  readonly entry: Entry
  ref(): Timer
  unref(): Timer
}

/**
 * Time that passes as fast as the machine computes. While `run` runs, the program's timers and its date are
 * of this time; whatever is due in one millisecond happens in the order in which it was set, and then all
 * that follows from it without waiting.
 */
export class VirtualTime implements Clock {
  #now = 1_700_000_000_000 // Some day.
  readonly #due = new Map<number, Entry[]>()
  readonly #times = new Heap()

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const abort = () => {
        entry.isOver = true
        reject(signal!.reason as Error)
      }
      const entry = this.#set(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Lets time pass until `work` is done. */
  async run<T>(work: () => Promise<T>, chance: () => number): Promise<T> {
    const restore = this.#replace(chance)
    const settle = globalThis.setImmediate
    let isDone = false
    try {
      const result = work().finally(() => (isDone = true))
      result.catch(() => {}) // Seen below.
      for (;;) {
        await new Promise((resolve) => settle(resolve)) // All that follows without waiting.
        if (isDone) return await result
        const next = this.#times.pop()
        if (next === undefined) throw new Error('nothing is due, and the work is not done')
        this.#happen(next)
      }
    } finally {
      restore()
    }
  }

  #happen(at: number): void {
    this.#now = at
    const entries = this.#due.get(at)!
    this.#due.delete(at)
    for (const entry of entries) {
      if (entry.isOver) continue
      if (entry.everyMs > 0) this.#put(entry, entry.everyMs)
      else entry.isOver = true
      entry.happen()
    }
  }

  #set(happen: () => void, ms: number, everyMs = 0): Entry {
    const entry = { happen, everyMs, isOver: false }
    this.#put(entry, ms)
    return entry
  }

  #put(entry: Entry, ms: number): void {
    const at = this.#now + Math.max(1, Math.ceil(ms))
    const entries = this.#due.get(at)
    if (entries !== undefined) return void entries.push(entry)
    this.#due.set(at, [entry])
    this.#times.push(at)
  }

  #timer(entry: Entry): Timer {
    const timer = { entry, ref: () => timer, unref: () => timer }
    return timer
  }

  /** Puts this time, and this chance, in place of the program's; returns how to undo it. */
  #replace(chance: () => number): () => void {
    const own = {
      setTimeout: (happen: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
        this.#timer(this.#set(() => happen(...args), ms)),
      setInterval: (happen: () => void, ms = 1) => this.#timer(this.#set(happen, ms, ms)),
      clearTimeout: (timer?: Timer | null) => {
        if (timer) timer.entry.isOver = true
      },
      clearInterval: (timer?: Timer | null) => {
        if (timer) timer.entry.isOver = true
      },
    }
    const names = Object.keys(own) as (keyof typeof own)[]
    const before = Object.fromEntries(names.map((name) => [name, globalThis[name]]))
    const [date, random] = [Date.now, Math.random]
    Object.assign(globalThis, own)
    Date.now = () => this.#now
    Math.random = chance
    return () => {
      Object.assign(globalThis, before)
      Date.now = date
      Math.random = random
    }
  }
}

/** The least first: a binary heap of numbers. */
class Heap {
  readonly #items: number[] = []

  push(item: number): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (items[above]! <= item) break
      items[at] = items[above]!
      at = above
    }
    items[at] = item
  }

  pop(): number | undefined {
    const items = this.#items
    const [least] = items
    const last = items.pop()
    if (last === undefined || items.length === 0) return least
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= items.length) break
      if (below + 1 < items.length && items[below + 1]! < items[below]!) below += 1
      if (items[below]! >= last) break
      items[at] = items[below]!
      at = below
    }
    items[at] = last
    return least
  }
}
