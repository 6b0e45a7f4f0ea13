import type { Log } from '../../src/base/log.ts'
import { between, seededRandom, type Random } from '../../src/base/random.ts'
import type { Code } from '../../src/coding/code.ts'
import { memoryLeases } from '../../src/lease/leases.ts'
import type { Pool } from '../../src/pipe/pool.ts'
import { MemoryNetwork } from '../../src/transport/memory.ts'
import type { PeerId, Role } from '../../src/transport/transporter.ts'
import { Disk } from './disk.ts'
import { liar } from './liar.ts'
import { Life, type Settler } from './life.ts'
import { layoutsOf } from './oracle.ts'
import { VirtualClock } from './virtualClock.ts'

/** A machine: what of it outlives a crash, and its life when it has one. */
export interface Machine extends Settler {
  readonly isLiar: boolean
  life?: Life
  /** It will not be back: it died for good, or left. */
  isGone: boolean
}

export interface MachineOptions {
  readonly role: Role
  readonly zone: string
  readonly capacity: number
  readonly isLiar: boolean
}

const gib = 2 ** 30

/** Everything there is in one run: time, chance, the network, and the machines. One seed makes one world. */
export class World {
  readonly random: Random
  readonly clock: VirtualClock
  readonly network: MemoryNetwork
  readonly machines: Machine[] = []
  /** What a person set in place of the swarm's policy. */
  readonly code: Code | undefined
  /** Of all lives there were. */
  readonly pools: Pool[] = []
  /** What has happened, one line each. */
  readonly events: string[] = []
  /** What must not happen, and has. */
  readonly violations: string[] = []
  /** How often the weather did what. */
  readonly faults = new Map<string, number>()
  /** Blocks of which unfair weather took shards: only those may be lost. */
  readonly struck = new Set<string>()
  /** How long messages take longer, to and from some machines. */
  readonly slowMs = new Map<PeerId, number>()

  constructor(seed: number, { code }: { code?: Code } = {}) {
    this.code = code
    this.random = seededRandom(seed)
    this.clock = new VirtualClock(seededRandom(seed + 2 ** 32))
    const latencyMs = (from: PeerId, to: PeerId) => this.#latencyMs(from, to)
    this.network = new MemoryNetwork({ seed, clock: this.clock, latencyMs, aliveMs: 10_000 })
  }

  /** Those that run. */
  up(): Machine[] {
    return this.machines.filter(({ life }) => life !== undefined)
  }

  /** Those that can read, and so put. */
  readers(): Machine[] {
    return this.up().filter(({ role }) => role !== 'storage')
  }

  /** Those that run and take shards. */
  storing(): Machine[] {
    return this.up().filter(({ life }) => life!.membership.own.stage === 'here')
  }

  add({ role, zone, isLiar, capacity = gib }: Partial<MachineOptions> & { role: Role }): Machine {
    const id = `n${this.machines.length}`
    const machine: Machine = {
      ...{ id, role, zone: zone ?? '', capacity, isLiar: isLiar ?? false },
      ...{ disk: new Disk(), leases: memoryLeases({ owner: id, clock: this.clock }) },
      ...{ log: this.#logOf(id), records: [], isGone: false },
      lies: isLiar
        ? liar({ random: this.random, layoutsOf: (block) => layoutsOf(this.machines, block) })
        : undefined,
    }
    this.machines.push(machine)
    this.start(machine)
    return machine
  }

  /** It knows whom it knew, and one who is there. Whoever runs goes on, and the dead stay dead. */
  start(machine: Machine): void {
    if (machine.life !== undefined || machine.isGone) return
    const { network, clock, random, code } = this
    const other = this.pick(this.up())
    machine.life = new Life(machine, { network, clock, random, code })
    this.pools.push(machine.life.pool)
    if (other) machine.life.transporter.keepConnected(other.life!.transporter.address)
    this.say(machine.id, 'starts')
  }

  crash(machine: Machine): void {
    machine.life?.crash()
    machine.life = undefined
    this.say(machine.id, 'crashes')
  }

  /** The storm is over: everyone who is not dead for good is back, some reader is here, and every disk takes and gives. */
  calm(): void {
    this.network.heal()
    this.network.partition([])
    this.slowMs.clear()
    for (const machine of this.machines) {
      machine.disk.recover()
      this.start(machine)
      this.#introduce(machine)
    }
    if (this.readers().length === 0) this.add({ role: 'reader' })
  }

  /** Who never met the one member that it was told of is told of another, as by the person who sees that. */
  #introduce({ id, life }: Machine): void {
    if (life === undefined || life.membership.others().length > 0) return
    const other = this.pick(this.storing().filter((each) => each.id !== id))
    if (other) life.transporter.keepConnected(other.life!.transporter.address)
  }

  pick<T>(some: readonly T[]): T | undefined {
    return some[between(this.random, 0, some.length)]
  }

  say(who: string, what: string): void {
    const seconds = (this.clock.age / 1_000).toFixed(3)
    this.events.push(`${seconds.padStart(9)}  ${who.padEnd(4)} ${what}`)
  }

  /** Something happened that the product promises not to let happen. */
  accuse(who: string, what: string): void {
    this.violations.push(what)
    this.say(who, `VIOLATION: ${what}`)
  }

  count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
  }

  /** Ends all lives in peace. */
  async close(): Promise<void> {
    await Promise.all(this.up().map(({ life }) => life!.close()))
    for (const machine of this.machines) machine.life = undefined
  }

  #logOf(id: string): Log {
    const at =
      (level: string) =>
      (message: string, fields: object = {}) =>
        this.say(id, `${level}: ${message} ${JSON.stringify(fields, plainly)}`)
    return { debug: () => {}, info: () => {}, warn: at('warn'), error: at('error') }
  }

  /** Some pairs are near, some far; and no two messages take the same time. */
  #latencyMs(from: PeerId, to: PeerId): number {
    const far = (Number(from.slice(1)) * 7 + Number(to.slice(1)) * 7) % 5
    const slowMs = (this.slowMs.get(from) ?? 0) + (this.slowMs.get(to) ?? 0)
    return (far * far + slowMs) * (0.5 + this.random.fraction()) + this.random.fraction() * 3
  }
}

function plainly(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value
}
