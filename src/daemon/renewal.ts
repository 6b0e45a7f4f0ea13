import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { Rarely } from '../base/rarely.ts'
import { lastDayOf, renewed, whyDue, type Papers, type PapersParts } from './papers.ts'

export interface RenewalParts extends PapersParts {
  readonly papers: Papers
  /** Saves renewed papers, and shows them from now on. */
  readonly install: (papers: Papers) => Promise<void>
  readonly log: Log
}

const lookMs = 60_000 // Soon after a clock that was wrong is right: what was made meanwhile may begin in a year.
const retryMs = 300_000
const sayMs = 24 * 3_600_000

/** Keeps a member's certificate from running out, without anyone asking. */
export class Renewal implements AsyncDisposable {
  readonly #parts: RenewalParts
  readonly #rarely: Rarely
  readonly #over = new AbortController()
  readonly #loop: Promise<void>
  #papers: Papers
  #why: string | undefined
  #nap = new AbortController()

  constructor(parts: RenewalParts) {
    this.#parts = parts
    this.#papers = parts.papers
    this.#rarely = new Rarely(parts.clock, sayMs)
    this.#loop = this.#run()
  }

  /** What this node shows now. */
  get papers(): Papers {
    return this.#papers
  }

  /** Looks now whether it is time, if that may have changed: an issuer was evicted, or one has come to be asked. */
  look(issuerCame = false): void {
    const why = whyDue(this.#papers, this.#parts)
    if (why !== this.#why || (why !== undefined && issuerCame)) this.#nap.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const over = this.#over.signal
    while (!over.aborted) {
      this.#nap = new AbortController()
      const signal = AbortSignal.any([over, this.#nap.signal])
      const restMs = await this.#step(over)
      await this.#parts.clock.sleep(restMs, signal).catch(() => {}) // Woken, or closing.
    }
  }

  /** Renews when it is time. Returns after how long to look again. */
  async #step(signal: AbortSignal): Promise<number> {
    const { install, log } = this.#parts
    const why = whyDue(this.#papers, this.#parts)
    this.#why = why
    if (why === undefined) return lookMs
    try {
      const papers = await renewed(this.#papers, this.#parts, signal)
      await install(papers)
      this.#papers = papers
      this.#why = undefined
      log.info('the certificate was renewed', { why, until: lastDayOf(papers.identity) })
      return lookMs
    } catch (error) {
      if (signal.aborted) return 0
      this.#rarely.say('', (held) => {
        log.warn('the certificate is not renewed yet', { why, error: messageOf(error), held })
      })
      return retryMs
    }
  }
}
