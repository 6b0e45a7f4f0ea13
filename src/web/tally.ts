/** Requests of one kind that were answered. */
export interface Tallied {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly count: number
}

/** Counts what was answered, by route: the kinds are few, whatever is asked. */
export class Tally {
  readonly #kinds = new Map<string, Tallied>()

  count(method: string, route: string, status: number): void {
    const kind = `${method} ${route} ${status}`
    const count = (this.#kinds.get(kind)?.count ?? 0) + 1
    this.#kinds.set(kind, { method, route, status, count })
  }

  all(): Iterable<Tallied> {
    return this.#kinds.values()
  }
}
