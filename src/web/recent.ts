/** Remembers what was used last, a bounded number of things. */
export class Recent<T> {
  readonly #countMax: number
  readonly #things = new Map<string, T>()

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get(name: string): T | undefined {
    const thing = this.#things.get(name)
    if (thing !== undefined) this.set(name, thing)
    return thing
  }

  set(name: string, thing: T): void {
    this.#things.delete(name)
    this.#things.set(name, thing)
    if (this.#things.size <= this.#countMax) return
    const [oldest] = this.#things.keys()
    this.#things.delete(oldest!)
  }
}
