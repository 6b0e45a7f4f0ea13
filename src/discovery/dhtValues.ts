import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { valuesToldMax } from './dhtPacket.ts'

export interface ValueLimits {
  /** For how long an announcement is good. Milliseconds. */
  readonly valueMs: number
  /** Kept in all; each takes about 200 bytes. */
  readonly valuesMax: number
  /** Kept under one key. */
  readonly valuesPerKey: number
  /** Kept of one machine in all, and under one key: a house may have several nodes behind one address. */
  readonly valuesPerHost: number
  readonly valuesPerHostAndKey: number
}

interface Value {
  /** 4 bytes of address and 2 of port, as a number. */
  readonly place: number
  until: number
}

/**
 * What others have announced, in place of the engine's own store (`record-cache` 1.2.0), which bounds
 * neither what is kept under one key nor what one machine stores, tells all of it in one packet that is then
 * too long to send, and drops everybody's when anybody has announced too much. Here whoever was first stays
 * as long as it says so again; what is too much is not kept.
 */
export class Values {
  readonly #limits: ValueLimits
  readonly #clock: Clock
  readonly #random: Random
  readonly #byKey = new Map<string, Value[]>()
  readonly #countOf = new Map<number, number>()
  #count = 0

  constructor(limits: ValueLimits, clock: Clock, random: Random) {
    this.#limits = limits
    this.#clock = clock
    this.#random = random
  }

  get count(): number {
    return this.#count
  }

  /** Keeps or renews an announcement of 6 bytes, if there is room for it. */
  add(key: string, bytes: Buffer): void {
    const place = bytes.readUIntBE(0, 6)
    const until = this.#clock.now() + this.#limits.valueMs
    const values = this.#byKey.get(key) ?? []
    const known = values.find((value) => value.place === place)
    if (known !== undefined) known.until = until
    else if (this.#hasRoom(values, place)) {
      values.push({ place, until })
      this.#byKey.set(key, values)
      this.#counted(place, 1)
    }
  }

  /** Some of what was announced under a key, chosen by chance when there is more. */
  get(key: string, count = valuesToldMax): Buffer[] {
    const now = this.#clock.now()
    const live = (this.#byKey.get(key) ?? []).filter(({ until }) => until > now)
    const chosen: Buffer[] = []
    while (live.length > 0 && chosen.length < count) {
      const at = Math.floor(this.#random.fraction() * live.length)
      const bytes = Buffer.allocUnsafe(6)
      bytes.writeUIntBE(live[at]!.place, 0, 6)
      chosen.push(bytes)
      live[at] = live.at(-1)!
      live.pop()
    }
    return chosen
  }

  /** Forgets what is too old, which makes room. Called once a minute. */
  sweep(): void {
    const now = this.#clock.now()
    for (const [key, values] of this.#byKey) {
      const live = values.filter(({ until }) => until > now)
      if (live.length === values.length) continue
      for (const { place, until } of values) if (until <= now) this.#counted(place, -1)
      if (live.length > 0) this.#byKey.set(key, live)
      else this.#byKey.delete(key)
    }
  }

  /** The engine's word when it stops. */
  destroy(): void {
    this.#byKey.clear()
    this.#countOf.clear()
    this.#count = 0
  }

  #hasRoom(values: readonly Value[], place: number): boolean {
    const { valuesMax, valuesPerKey, valuesPerHost, valuesPerHostAndKey } = this.#limits
    const host = hostOf(place)
    return (
      this.#count < valuesMax &&
      values.length < valuesPerKey &&
      (this.#countOf.get(host) ?? 0) < valuesPerHost &&
      values.filter((value) => hostOf(value.place) === host).length < valuesPerHostAndKey
    )
  }

  #counted(place: number, change: 1 | -1): void {
    const host = hostOf(place)
    const count = (this.#countOf.get(host) ?? 0) + change
    if (count > 0) this.#countOf.set(host, count)
    else this.#countOf.delete(host)
    this.#count += change
  }
}

function hostOf(place: number): number {
  return Math.floor(place / 2 ** 16)
}
