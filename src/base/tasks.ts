import { Window } from './flow.ts'

/** Begins a piece of work; resolves when it has begun, or when nothing begins any more. */
export type Begin = (work: () => Promise<void>) => Promise<void>

/**
 * Work of which several pieces are under way at once, begun as it is found. The first piece that fails ends it
 * all: nothing more is begun, `signal` is aborted, and `done` throws what failed.
 */
export class Tasks {
  readonly signal: AbortSignal
  readonly #stop = new AbortController()
  readonly #underway = new Set<Promise<void>>()

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#stop.signal])
  }

  /** Pieces of one kind: so many of them at once. */
  lane(count: number): Begin {
    const window = new Window(count)
    return (work) => {
      const begun = Promise.withResolvers<void>()
      const task = this.#do(work, window, begun.resolve)
        .catch((error: unknown) => this.fail(error))
        .finally(() => {
          this.#underway.delete(task)
          begun.resolve() // It never did; `signal` says why.
        })
      this.#underway.add(task)
      return begun.promise
    }
  }

  /** Ends it all. */
  fail(error: unknown): void {
    this.#stop.abort(error)
  }

  /** Resolves when nothing is under way any more; what is begun meanwhile is waited for too. */
  async done(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway)
    this.signal.throwIfAborted()
  }

  async #do(work: () => Promise<void>, window: Window, begun: () => void): Promise<void> {
    await window.take(1, this.signal)
    try {
      begun()
      await work()
    } finally {
      window.give(1)
    }
  }
}
