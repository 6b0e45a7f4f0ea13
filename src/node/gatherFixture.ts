import { setImmediate as turn } from 'node:timers/promises'
import { makeAddress, type Address } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { shardBytesOf, type Code } from '../coding/code.ts'
import type { Layout } from '../coding/layout.ts'
import { memoryLeases } from '../lease/leases.ts'
import { InlineCrew } from '../pipe/crew.ts'
import { Pool } from '../pipe/pool.ts'
import { MemoryStore } from '../store/memory.ts'
import { gather, type Finding } from './gather.ts'
import type { Guess } from './gatherParts.ts'
import type { Holder } from './holder.ts'
import { Keeping } from './keeping.ts'
import { defaultLimits } from './limits.ts'
import { LocalHolder } from './local.ts'
import { Pace } from './pace.ts'

export const block = seededRandom(3).bytes(100_000)
export const address = makeAddress('raw', 'blake3', blake3.hash(block))
const pool = new Pool()
const crew = new InlineCrew(pool)

export interface Coded {
  readonly layout: Layout
  readonly shards: readonly Uint8Array[]
}

/** A block's shards under a code; of other bytes than the address's, their layout is false. */
export async function coded(code: Code, bytes = block, of: Address = address): Promise<Coded> {
  const slot = await pool.lane().take()
  const size = bytes.length
  slot.data(size).set(bytes)
  const { dataAt, parityAt } = slot
  const job = { type: 'seal', dataAt, parityAt, size, ...code, hash: 'blake3' } as const
  const { shards: hashes } = await crew.seal(job)
  const indexes = Array.from({ length: code.n }, (_, index) => index)
  const shards = indexes.map((at) => slot.shard(at, code.k, shardBytesOf(code, size)).slice())
  slot.release()
  const promised = indexes.map((at) => hashes.slice(at * 32, at * 32 + 32))
  return { layout: { block: of, size, ...code, shards: promised }, shards }
}

export interface Resident {
  holder: Holder
  readonly store: MemoryStore
  fetches: number
}

/** Holders over memory stores; `late` of them answer later than the others. */
export function residents(
  count: number,
  late: (index: number) => boolean = () => false,
): Resident[] {
  return Array.from({ length: count }, (_, index) => {
    const store = new MemoryStore()
    const name = `n${index}`
    const gib = 2 ** 30
    const member = {
      id: name,
      role: 'storage',
      name,
      zone: '',
      capacity: gib,
      free: gib,
      address: '',
    } as const
    const { book } = memoryLeases({ owner: name, clock: systemClock })
    const inner = new LocalHolder(new Keeping(store, book), () => member)
    const resident: Resident = {
      store,
      fetches: 0,
      holder: {
        member,
        have: (of, signal) => inner.have(of, signal),
        keep: (layout, at, bytes, signal) => inner.keep(layout, at, bytes, signal, []),
        fetch: async (of, wanted, into, signal) => {
          resident.fetches += 1
          if (late(index)) await turn()
          return inner.fetch(of, wanted, into, signal)
        },
      },
    }
    return resident
  })
}

export async function hold(
  { store }: Resident,
  { layout, shards }: Coded,
  index: number,
): Promise<void> {
  await store.put({ layout, index, bytes: shards[index]! })
}

export interface Gathered {
  readonly bytes: Buffer
  readonly findings: readonly Finding[]
}

export async function gathered(
  holders: readonly Holder[],
  guess: Guess = { shards: 4 },
): Promise<Gathered> {
  const findings: Finding[] = []
  const slot = await pool.lane().take()
  try {
    const size = await gather(address, undefined, slot, {
      crew,
      holders,
      likely: 6,
      absent: () => ['attic'],
      guess,
      limits: { ...defaultLimits, fetchMs: 500, hedgeFloorMs: 50 },
      pace: new Pace(),
      clock: systemClock,
      signal: AbortSignal.timeout(10_000),
      found: (finding) => void findings.push(finding),
    })
    return { bytes: Buffer.from(slot.data(size)), findings }
  } finally {
    slot.release()
  }
}
