import type { Clock } from '../../src/base/clock.ts'
import type { Random } from '../../src/base/random.ts'
import { InlineCrew, type Crew } from '../../src/pipe/crew.ts'
import type { Opened, OpenJob, Sealed, SealJob } from '../../src/pipe/jobs.ts'
import type { Pool } from '../../src/pipe/pool.ts'

const longestMs = 5

/** Work in the pipe takes time, in which other things happen: to the same memory, if somebody errs. */
export class UnhurriedCrew implements Crew {
  readonly #inner: InlineCrew
  readonly #rest: () => Promise<void>

  constructor(pool: Pool, { clock, random }: { clock: Clock; random: Random }) {
    this.#inner = new InlineCrew(pool)
    this.#rest = () => clock.sleep(random.fraction() * longestMs)
  }

  async seal(job: SealJob): Promise<Sealed> {
    await this.#rest()
    const sealed = await this.#inner.seal(job)
    await this.#rest()
    return sealed
  }

  async open(job: OpenJob): Promise<Opened> {
    await this.#rest()
    const opened = await this.#inner.open(job)
    await this.#rest()
    return opened
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner[Symbol.asyncDispose]()
  }
}
