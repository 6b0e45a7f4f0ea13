import type { Reply, Rpc } from 'bittorrent-dht'
import type { Clock } from '../base/clock.ts'
import { formatEndpoint } from '../transport/endpoint.ts'
import { ownBytes } from './dhtKeys.ts'
import { contactBytes } from './dhtPacket.ts'
import { Ending } from './dhtWait.ts'

/** A node on the way to a key. */
export interface Step {
  readonly id: Buffer
  readonly host: string
  readonly port: number
  /** How many were asked in a row to get here: 1 for whoever this node knew itself. */
  readonly hops: number
  state: 'new' | 'asked' | 'late' | 'answered' | 'gone'
  askedAt: number
  /** What it wants to see when something is announced to it. */
  token?: Buffer
}

/** How a walk went, so far. */
export interface Walked {
  /** Those who answered, the closest first. */
  readonly closest: readonly Step[]
  /** Questions sent, and answers to them. */
  readonly asked: number
  readonly answered: number
}

export interface WalkParts {
  readonly rpc: Rpc
  readonly id: Buffer
  readonly clock: Clock
  /** Told of whoever did not answer, or turned out to be somebody else. */
  readonly lost: (node: Step) => void
}

export interface WalkOptions {
  readonly q: 'find_node' | 'get_peers'
  /** The walk is over when this many, the closest of those that answer in time, have answered. */
  readonly width: number
  /** Ends the walk; what is on its way then is not waited for. */
  readonly signal: AbortSignal
  /** Told of whatever was announced, by whom. */
  readonly told?: (values: readonly Buffer[], by: Step) => void
}

const atOnce = 6 // Questions under way, besides those that are late.
const lateMs = 600 // Who takes longer is probably gone: another is asked meanwhile.
const askedMax = 200 // However many new nodes liars make up.

/**
 * Walks towards a key: asks the closest known, who name closer ones, until the closest have answered. Instead
 * of the engine's own walk (`k-rpc` 5.1.0, `closest`), which goes on after it was stopped, has no limit when
 * liars name ever closer nodes, and counts nodes that are gone among the closest it has found.
 * Never fails: it ends with what it has when it is stopped.
 */
export class Walk {
  readonly #parts: WalkParts
  readonly #target: Buffer
  readonly #options: WalkOptions
  /** Heard of, the closest first. */
  readonly #steps: Step[] = []
  readonly #heard = new Set<string>()
  readonly #over: Ending
  #asked = 0
  #answered = 0

  constructor(parts: WalkParts, target: Buffer, options: WalkOptions) {
    this.#parts = parts
    this.#target = target
    this.#options = options
    this.#over = new Ending(options.signal)
  }

  async run(): Promise<Walked> {
    using _ = this.#over
    const { nodes } = this.#parts.rpc
    const width = Math.max(this.#options.width, atOnce)
    for (const { id, host, port } of nodes.closest(this.#target, width)) {
      this.#hear(id, host, port, 1)
    }
    this.#goOn()
    await this.#watch()
    const closest = this.#steps.filter(({ state }) => state === 'answered')
    return { closest, asked: this.#asked, answered: this.#answered }
  }

  /** Until the walk is over: looks for those that are late. */
  async #watch(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      await clock.sleep(lateMs / 2, signal).catch(() => {}) // Woken: it is over.
      const late = clock.now() - lateMs
      for (const step of this.#steps) {
        if (step.state === 'asked' && step.askedAt <= late) step.state = 'late'
      }
      this.#goOn()
    }
  }

  /** Asks the next, or ends the walk. */
  #goOn(): void {
    if (this.#over.signal.aborted) return
    const { width } = this.#options
    const isLate = ({ state }: Step) => state === 'late'
    const isLost = (step: Step) => step.state === 'gone' || isLate(step)
    const near = this.#steps.filter((step) => !isLost(step)).slice(0, width)
    let free = atOnce - this.#steps.filter(({ state }) => state === 'asked').length
    for (const step of near) {
      if (step.state !== 'new' || free <= 0 || this.#asked >= askedMax) continue
      free -= 1
      this.#ask(step)
    }
    const mayAsk = this.#asked < askedMax
    const isOpen = near.some(({ state }) => state === 'asked' || (mayAsk && state === 'new'))
    if (isOpen || (near.length < width && this.#steps.some(isLate))) return
    this.#over.end()
  }

  #ask(step: Step): void {
    const { rpc, id, clock, lost } = this.#parts
    const { q } = this.#options
    const target = q === 'find_node' ? { target: this.#target } : { info_hash: this.#target }
    step.state = 'asked'
    step.askedAt = clock.now()
    this.#asked += 1
    rpc.query(step, { q, a: { id, ...target } }, (_, reply) => {
      if (this.#over.signal.aborted) return
      if (reply !== null) this.#answer(step, reply)
      else {
        step.state = 'gone'
        lost(step)
      }
      this.#goOn()
    })
  }

  #answer(step: Step, { r }: Reply): void {
    step.state = 'answered'
    step.token = r.token
    this.#answered += 1
    const nodes = r.nodes ?? Buffer.alloc(0)
    for (let at = 0; at < nodes.length; at += contactBytes) {
      const host = nodes.subarray(at + 20, at + 24).join('.')
      this.#hear(nodes.subarray(at, at + 20), host, nodes.readUInt16BE(at + 24), step.hops + 1)
    }
    if (r.values !== undefined) this.#options.told?.(r.values, step)
  }

  /** Puts a node in its place, unless it was heard of, or is this one. */
  #hear(id: Buffer, host: string, port: number, hops: number): void {
    const place = formatEndpoint(host, port)
    if (this.#heard.has(place) || id.equals(this.#parts.id)) return
    this.#heard.add(place)
    const step: Step = { id: ownBytes(id), host, port, hops, state: 'new', askedAt: 0 }
    this.#steps.splice(this.#placeOf(step.id), 0, step)
  }

  /** Behind how many that are closer, or as close. */
  #placeOf(id: Buffer): number {
    let [from, below] = [0, this.#steps.length]
    while (from < below) {
      const middle = (from + below) >> 1
      if (isCloser(this.#target, id, this.#steps[middle]!.id)) below = middle
      else from = middle + 1
    }
    return from
  }
}

/** Whether `a` is closer to `target` than `b`, by XOR. */
export function isCloser(target: Buffer, a: Buffer, b: Buffer): boolean {
  for (let at = 0; at < target.length; at++) {
    const difference = (a[at]! ^ target[at]!) - (b[at]! ^ target[at]!)
    if (difference !== 0) return difference < 0
  }
  return false
}
