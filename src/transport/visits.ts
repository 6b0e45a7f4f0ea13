import type { Clock } from '../base/clock.ts'

const minuteMs = 60_000

/** Counts who came within a minute, so that nobody takes a door for himself. Its memory is `allMax` names. */
export class Visits {
  readonly #clock: Clock
  readonly #limits: { readonly hostMax: number; readonly allMax: number }
  readonly #byHost = new Map<string, number>()
  #count = 0
  #since = -Infinity

  constructor(clock: Clock, limits: { hostMax: number; allMax: number }) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Whether there is room for one more from this host ("host:port"; the port does not matter). */
  admit(address: string): boolean {
    const now = this.#clock.now()
    if (now - this.#since >= minuteMs || now < this.#since) {
      this.#since = now
      this.#count = 0
      this.#byHost.clear()
    }
    const host = address.slice(0, address.lastIndexOf(':'))
    const count = this.#byHost.get(host) ?? 0
    if (count >= this.#limits.hostMax || this.#count >= this.#limits.allMax) return false
    this.#byHost.set(host, count + 1)
    this.#count += 1
    return true
  }
}
