import type { Clock } from '../../src/base/clock.ts'
import type { Address } from '../../src/address/address.ts'
import type { Log } from '../../src/base/log.ts'
import type { Random } from '../../src/base/random.ts'
import type { Code } from '../../src/coding/code.ts'
import { readKeysOf } from '../../src/crypto/keys.ts'
import { Membership } from '../../src/discovery/membership.ts'
import type { Leases } from '../../src/lease/leases.ts'
import { Collector } from '../../src/mend/collect.ts'
import { keepBlob } from '../../src/mend/keepBlob.ts'
import { Mender } from '../../src/mend/mender.ts'
import { Scrubber } from '../../src/mend/scrub.ts'
import { Shape } from '../../src/mend/shape.ts'
import { Survey } from '../../src/mend/survey.ts'
import { Orchestrator } from '../../src/node/orchestrator.ts'
import { Pool } from '../../src/pipe/pool.ts'
import { RotNews } from '../../src/store/rotNews.ts'
import type { MemoryNetwork, MemoryTransporter } from '../../src/transport/memory.ts'
import { MemoryNotary } from '../../src/transport/memoryNotary.ts'
import type { Handler, Role, Transporter } from '../../src/transport/transporter.ts'
import { MountedDisk, type Disk } from './disk.ts'
import { UnhurriedCrew } from './unhurriedCrew.ts'

export const readKeys = readKeysOf(new Uint8Array(32).fill(5))

/** A swarm in a hurry: a quarter of an hour has all that a week has elsewhere. Milliseconds. */
const membershipLimits = { heartbeatMs: 20_000, exchangeMs: 15_000, awayMs: 30_000 }
export const mendLimits = {
  tickMs: 2_000,
  settleMs: 3_000,
  passMs: 120_000,
  againMs: 5_000,
  retryMs: 10_000,
  safeMs: 10_000,
  returnMs: 30_000,
  goneMs: 120_000,
}
/** How long what nobody wants is kept on. */
export const graceMs = 30_000
const repairBytesPerSecond = 2 ** 24
const scrubDays = 1 / 96 // A quarter of an hour.

/** What a life is lived in. */
export interface Surroundings {
  readonly network: MemoryNetwork
  readonly clock: Clock
  readonly random: Random
  /** What a person set in place of the swarm's policy. */
  readonly code?: Code
}

/** Whose life it is. */
export interface Settler {
  readonly id: string
  readonly role: Role
  readonly zone: string
  readonly capacity: number
  readonly disk: Disk
  readonly leases: Leases
  readonly log: Log
  /** What it answers in place of what it would answer honestly. */
  readonly lies?: (honest: Handler) => Handler
  /** Members' records, as the last life knew them. */
  records: readonly Uint8Array[]
}

/** One run of a node, from its start until it crashes or closes. */
export class Life {
  readonly transporter: Transporter
  readonly membership: Membership
  readonly node: Orchestrator
  readonly mender: Mender
  readonly scrubber: Scrubber
  /** Asks for what another has stored. */
  readonly keep: (root: Address, signal: AbortSignal) => Promise<unknown>
  readonly pool = new Pool()
  readonly #store: MountedDisk
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>

  constructor(settler: Settler, surroundings: Surroundings) {
    const { network, clock, random, code } = surroundings
    const log = quietAfter(this.#over.signal, settler.log)
    const rot = new RotNews()
    const store = new MountedDisk(settler.disk, { clock, random, rot })
    const transporter = network.member(settler.id, { role: settler.role })
    const membership = this.#join(settler, transporter, { ...surroundings, log })
    const crew = new UnhurriedCrew(this.pool, { clock, random })
    const { leases } = settler
    const parts = { clock, log, store, leases, transporter, membership, pool: this.pool, crew }
    const keys = settler.role === 'storage' ? undefined : readKeys
    const node = new Orchestrator(parts, { keys, code })
    const { handler } = transporter as MemoryTransporter
    if (settler.lies) transporter.serve(settler.lies(handler!))
    const mending = { bytesPerSecond: repairBytesPerSecond, code, limits: mendLimits }
    const mender = new Mender({ ...parts, node }, mending)
    rot.listen(({ block }) => mender.note(block))
    const save = async () => {}
    const scrubbing = { store, rot, activity: node.activity, clock, log, save }
    this.scrubber = new Scrubber(scrubbing, { days: scrubDays })
    const { signal } = this.#over
    const { circle, keeping, activity } = node
    const collecting = { keeping, sweep: leases.sweep, activity, clock, log }
    const collector = new Collector(collecting, { graceMs })
    this.#running = Promise.all([
      endUnfinished(leases).then(() => collector.run(signal)),
      this.scrubber.run(signal),
    ])
    const shape = new Shape({ ...parts, circle, code, limits: mendLimits })
    const keeper = { node, survey: new Survey(circle), aims: () => shape.aims() }
    this.keep = (root, stop) => keepBlob(root, keeper, { signal: stop })
    this.transporter = transporter
    this.membership = membership
    this.node = node
    this.mender = mender
    this.#store = store
  }

  /** As when a process is killed: connections end, and what was under way comes to nothing. */
  crash(): void {
    this.#store.cut()
    void this.transporter.close()
    void this.membership[Symbol.asyncDispose]()
    void this.close()
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#over.abort(new Error('the node is closing'))
    await this.#running
    await this.mender[Symbol.asyncDispose]()
    await this.node[Symbol.asyncDispose]()
    await this.membership[Symbol.asyncDispose]()
    await this.transporter.close()
  }

  #join(
    settler: Settler,
    transporter: Transporter,
    { clock, random, log }: Surroundings & { log: Log },
  ): Membership {
    const { id, role, zone, capacity } = settler
    const notary = new MemoryNotary(id, role)
    const addresses = [transporter.address]
    const membership = new Membership(
      { transporter, clock, random, log, notary },
      {
        ...{ name: id, zone, capacity, free: 0, stage: 'here' },
        ...{ addresses, relays: [], offersRelay: false },
      },
      membershipLimits,
    )
    void membership.remember(settler.records, [])
    const stopSaving = membership.watch(() => void (settler.records = membership.records()))
    this.#over.signal.addEventListener('abort', stopSaving)
    return membership
  }
}

/** What was under way when the last life ended is let go. */
async function endUnfinished({ book, own }: Leases): Promise<void> {
  await book.end(own.unfinished().map(({ secret }) => secret))
}

/** Who is dead says nothing. */
function quietAfter(over: AbortSignal, log: Log): Log {
  const at =
    (level: keyof Log) =>
    (message: string, fields?: object): void => {
      if (!over.aborted) log[level](message, fields)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
