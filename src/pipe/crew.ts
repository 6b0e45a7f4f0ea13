import { Worker } from 'node:worker_threads'
import { openKernel } from '../coding/kernel.ts'
import { range } from '../coding/matrix.ts'
import { Worksite, type Job, type Opened, type OpenJob, type Sealed, type SealJob } from './jobs.ts'
import { scratchAt, type Pool } from './pool.ts'
import type { WorkerData } from './worker.ts'

/** Does the pipe's work: hash, cipher, coding. Places are not touched by others until it is done. */
export interface Crew extends AsyncDisposable {
  seal(job: SealJob): Promise<Sealed>
  open(job: OpenJob): Promise<Opened>
}

/** Threads, or with none of them the calling thread. */
export function openCrew(pool: Pool, threads: number): Crew {
  return threads === 0 ? new InlineCrew(pool) : new WorkerCrew(pool, { threads })
}

/** Works on the calling thread: for tests, and for one-core comparisons. */
export class InlineCrew implements Crew {
  readonly #site: Worksite

  constructor(pool: Pool) {
    this.#site = new Worksite(pool.memory, openKernel(pool.memory, scratchAt(0)))
  }

  async seal(job: SealJob): Promise<Sealed> {
    return this.#site.seal(job)
  }

  async open(job: OpenJob): Promise<Opened> {
    return this.#site.open(job)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A thread's garbage is small: hashes, and pieces of 64 KiB that are freed by hand. */
const resourceLimits = { maxYoungGenerationSizeMb: 1 }

interface Waiting {
  resolve(result: Sealed | Opened): void
  reject(error: Error): void
}

interface Hand {
  readonly worker: Worker
  /** Whose scratch area it has. */
  readonly thread: number
  readonly jobs: Map<number, Waiting>
}

/**
 * Worker threads over the pool's memory. They start with the first job that finds nobody idle: a node
 * that only holds shards never pays for one (15 MB each).
 */
export class WorkerCrew implements Crew {
  readonly #pool: Pool
  readonly #size: number
  readonly #hands: Hand[] = []
  #nextId = 0
  #closed = false

  constructor(pool: Pool, options: { threads: number }) {
    this.#pool = pool
    this.#size = options.threads
  }

  seal(job: SealJob): Promise<Sealed> {
    return this.#do(job) as Promise<Sealed>
  }

  open(job: OpenJob): Promise<Opened> {
    return this.#do(job) as Promise<Opened>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all(this.#hands.map(({ worker }) => worker.terminate()))
  }

  #do(job: Job): Promise<Sealed | Opened> {
    if (this.#closed) return Promise.reject(new Error('the pipe is closed'))
    const hand = this.#leastBusy()
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      hand.jobs.set(id, { resolve, reject })
      hand.worker.ref()
      hand.worker.postMessage({ id, job })
    })
  }

  #leastBusy(): Hand {
    const [idlest] = this.#hands.toSorted((a, b) => a.jobs.size - b.jobs.size)
    if (idlest && (idlest.jobs.size === 0 || this.#hands.length >= this.#size)) return idlest
    return this.#hire()
  }

  #hire(): Hand {
    const own = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const thread = range(this.#size).find((at) => this.#hands.every((hand) => hand.thread !== at))!
    const workerData: WorkerData = { memory: this.#pool.memory, scratchAt: scratchAt(thread) }
    const worker = new Worker(new URL(own, import.meta.url), { workerData, resourceLimits })
    worker.unref() // An idle thread does not keep the process alive.
    const hand: Hand = { worker, thread, jobs: new Map() }
    worker.on('message', (message: { id: number; result: Sealed | Opened; failure?: string }) => {
      const waiting = hand.jobs.get(message.id)!
      hand.jobs.delete(message.id)
      if (hand.jobs.size === 0) worker.unref()
      if (message.failure === undefined) waiting.resolve(message.result)
      else waiting.reject(new Error(message.failure))
    })
    worker.on('error', (error: Error) => this.#dismiss(hand, error))
    worker.on('exit', () => this.#dismiss(hand, new Error('a thread of the pipe has ended')))
    this.#hands.push(hand)
    return hand
  }

  /** A thread that died takes its jobs with it; the next job starts another in its place. */
  #dismiss(hand: Hand, error: Error): void {
    const at = this.#hands.indexOf(hand)
    if (at >= 0) this.#hands.splice(at, 1)
    for (const waiting of hand.jobs.values()) waiting.reject(error)
    hand.jobs.clear()
  }
}
