import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Address } from '../src/address/address.ts'
import { silentLog } from '../src/base/log.ts'
import { between, seededRandom, type Random } from '../src/base/random.ts'
import { openDht, type Dht } from '../src/discovery/dht.ts'
import { dhtIdOf, dhtKeys } from '../src/discovery/dhtKeys.ts'
import type { Lookup } from '../src/discovery/dhtLookups.ts'
import { addressAt, blockOf, homeOf, idOf, townPort, townSwarm } from '../src/discovery/dhtTown.ts'
import { SimulatedUdp } from '../src/discovery/udpSim.ts'
import type { VirtualTime } from './discoveryTime.ts'

/** A lookup, and what came of it. */
export interface Outcome extends Lookup {
  /** Sent and received by who looked, for this and whatever else it did meanwhile. */
  readonly bytes: number
  /** Candidates that are truly among the closest of those that live; or announcers found. */
  readonly found: number
}

const joinEveryMs = 20
const settleMs = 60_000
const atOnce = 20
export const candidates = 20

/** Nodes of one DHT, numbered from 1, in a time and on a network of their own. */
export class Swarm {
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #network: SimulatedUdp
  readonly #nodes: Dht[] = []
  readonly #gone = new Set<number>()
  readonly #roots: { readonly root: Address; readonly by: number }[] = []

  constructor(time: VirtualTime, seed: number) {
    this.#time = time
    this.#random = seededRandom(seed)
    this.#network = new SimulatedUdp({ seed, latencyMs: [20, 100], loss: 0.01 })
  }

  /** Nodes come one after the other; each is told the address of one that came before, chosen by chance. */
  async form(count: number): Promise<void> {
    while (this.#nodes.length < count) {
      const index = this.#nodes.length + 1
      const host = homeOf(index)
      const dht = await openDht({
        ...{ id: idOf(index), swarm: townSwarm, host, port: townPort, log: silentLog },
        ...{ socket: this.#network.socket(host), clock: this.#time, random: this.#random },
      })
      if (index > 1) dht.addNode(addressAt(between(this.#random, 1, index)))
      this.#nodes.push(dht)
      await this.#time.sleep(joinEveryMs)
    }
    await this.#time.sleep(settleMs)
  }

  /** Announces roots, each by a node chosen by chance. */
  async publish(count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const by = between(this.#random, 1, this.#publishers + 1)
      const root = blockOf(`root ${at}`)
      this.#nodes[by - 1]!.publish(root)
      this.#roots.push({ root, by })
    }
    await this.#time.sleep(settleMs)
  }

  /** Lets nodes fall silent until this part is gone; nobody is told. Who has published stays. */
  silence(part: number): void {
    const mayGo = this.#nodes.map((_, at) => at + 1).slice(this.#publishers)
    const count = Math.round(part * this.#nodes.length)
    while (this.#gone.size < count) {
      const index = mayGo[between(this.#random, 0, mayGo.length)]!
      this.#gone.add(index)
      this.#network.silence(addressAt(index))
    }
  }

  /** Looks for the candidates of blocks, from nodes chosen by chance. */
  findCandidates(count: number): Promise<Outcome[]> {
    return this.#inTurns(count, (at) => {
      const block = blockOf(`block ${at}`)
      const truly = new Set(this.#closest(block).map(idOf))
      return this.#measured(this.#someone(), async (dht, walked) => {
        const signal = new AbortController().signal
        const near = await dht.nearest(block, { count: candidates, signal, walked })
        return near.filter(({ id }) => truly.has(id)).length
      })
    })
  }

  /** Looks for who has published a root, up to the first that is found, from nodes chosen by chance. */
  findRoots(): Promise<Outcome[]> {
    return this.#inTurns(this.#roots.length, (at) => {
      const { root, by } = this.#roots[at]!
      return this.#measured(this.#someone(by), async (dht, walked) => {
        const signal = new AbortController().signal
        for await (const address of dht.holders(root, { signal, walked })) {
          if (address === addressAt(by)) return 1
        }
        return 0
      })
    })
  }

  /** What the network has carried so far. */
  get carried(): { packets: number; bytes: number } {
    const { packets, bytes } = this.#network
    return { packets, bytes }
  }

  /** How many nodes live. */
  get live(): number {
    return this.#nodes.length - this.#gone.size
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((dht) => dht[Symbol.asyncDispose]()))
  }

  /** So many, the first ones, may publish, and stay. */
  get #publishers(): number {
    return Math.ceil(this.#nodes.length / 2)
  }

  #someone(butNot?: number): number {
    for (;;) {
      const index = between(this.#random, 1, this.#nodes.length + 1)
      if (!this.#gone.has(index) && index !== butNot) return index
    }
  }

  /** Who lives closest to an address's place; 32 bits tell ten thousand apart. */
  #closest(block: Address): number[] {
    const place = dhtKeys(townSwarm).of(block).readUInt32BE()
    return this.#nodes
      .map((_, at) => at + 1)
      .filter((index) => !this.#gone.has(index))
      .map((index) => ({ index, distance: (prefixOf(index) ^ place) >>> 0 }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, candidates)
      .map(({ index }) => index)
  }

  async #measured(
    from: number,
    look: (dht: Dht, walked: (how: Lookup) => void) => Promise<number>,
  ): Promise<Outcome> {
    const dht = this.#nodes[from - 1]!
    const before = bytesOf(dht)
    let how: Lookup | undefined
    const found = await look(dht, (walked) => (how = walked))
    return { ...how!, found, bytes: bytesOf(dht) - before }
  }

  async #inTurns(count: number, work: (at: number) => Promise<Outcome>): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    while (outcomes.length < count) {
      const size = Math.min(atOnce, Math.ceil(this.#nodes.length / 10), count - outcomes.length)
      const some = Array.from({ length: size }, (_, at) => work(outcomes.length + at))
      outcomes.push(...(await Promise.all(some)))
    }
    return outcomes
  }
}

function bytesOf(dht: Dht): number {
  const { sentBytes, receivedBytes } = dht.state()
  return sentBytes + receivedBytes
}

const prefixes = new Map<number, number>()

function prefixOf(index: number): number {
  let prefix = prefixes.get(index)
  if (prefix === undefined) prefixes.set(index, (prefix = dhtIdOf(idOf(index)).readUInt32BE()))
  return prefix
}

/** Bytes of JavaScript's heap, and of buffers outside of it, that are in use. */
export async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let times = 0; times < 3; times++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve)) // What is freed may free more.
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
