import { randomBytes } from 'node:crypto'
import { blake3 } from '../src/address/blake3.ts'
import { silentLog } from '../src/base/log.ts'
import type { Bytes } from '../src/base/bytes.ts'
import { openKernel } from '../src/coding/kernel.ts'
import { encode } from '../src/coding/reed-solomon.ts'
import { cryptInPlace } from '../src/crypto/ctr.ts'
import { readKeysOf } from '../src/crypto/keys.ts'
import type { Holder } from '../src/node/holder.ts'
import { put } from '../src/node/put.ts'
import { InlineCrew, WorkerCrew, type Crew } from '../src/pipe/crew.ts'
import { Pool, scratchAt, slotsFor } from '../src/pipe/pool.ts'
import { shardAt } from '../src/pipe/place.ts'
import { median, printTable } from './table.ts'

const code = { k: 4, n: 6 }
const segment = 1 << 20
const shardBytes = segment / code.k
const keys = readKeysOf(new Uint8Array(32))

/** The pipe (cut, key, seal, address, code, shards' hashes; no network, no disk) against its primitives. */
export async function run(args: string[]): Promise<void> {
  const mib = Number(args[0] ?? 384)
  const rounds = 7
  const speeds: Record<string, number[]> = { bare: [], inline: [], one: [], two: [] }
  const [pool, inline] = [new Pool({ slots: slotsFor(2) }), new Pool()]
  await using one = new WorkerCrew(pool, { threads: 1 })
  await using two = new WorkerCrew(pool, { threads: 2 })
  const onMain = new InlineCrew(inline)
  for (let round = 0; round < rounds; round++) {
    speeds.bare!.push(await rate(mib, () => bareLoop(mib)))
    speeds.inline!.push(await rate(mib, () => pipe(mib, inline, onMain)))
    speeds.one!.push(await rate(mib, () => pipe(mib, pool, one)))
    speeds.two!.push(await rate(mib, () => pipe(mib, pool, two)))
  }
  const of = (name: string) => median(speeds[name]!)
  const row = (what: string, name: string, against: string) => [
    what,
    of(name).toFixed(0),
    against === '' ? '' : (of(name) / of(against)).toFixed(2),
  ]
  printTable(
    `The pipe: ${mib} MiB in 1 MiB segments, coded 4+2; medians of ${rounds} runs in turn`,
    [
      ['', 'MiB/s', 'ratio'],
      row('bare loop of the primitives, one core', 'bare', ''),
      row('the pipe on one core (inline), to the bare loop', 'inline', 'bare'),
      row('the pipe with one worker thread, to one core', 'one', 'inline'),
      row('the pipe with two worker threads, to one core', 'two', 'inline'),
    ],
  )
}

async function rate(mib: number, work: () => Promise<void> | void): Promise<number> {
  const started = performance.now()
  await work()
  return mib / ((performance.now() - started) / 1000)
}

/** Copy in, hash, cipher, hash, code, hash the shards: on buffers like the pipe's, and nothing else. */
function bareLoop(mib: number): void {
  const place = { dataAt: barePlace, parityAt: barePlace + segment }
  for (let done = 0; done < mib; done++) {
    const block = Buffer.from(bareMemory.buffer, place.dataAt, segment)
    for (let at = 0; at < segment; at += chunk.length) block.set(chunk, at)
    const key = blake3.keyed(keys.segment, block)
    cryptInPlace(key, 0, block)
    blake3.hash(block)
    encode(bareKernel, code, shardBytes, place.dataAt, place.parityAt)
    for (let index = 0; index < code.n; index++) {
      const at = shardAt(place, index, code.k, shardBytes)
      blake3.hash(Buffer.from(bareMemory.buffer, at, shardBytes))
    }
  }
}

const chunk = new Uint8Array(randomBytes(64 * 1024))
const bareMemory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true })
const barePlace = 1 << 20
const bareKernel = openKernel(bareMemory, scratchAt(0))

/** A put of the node itself, over holders that take everything and keep nothing. */
async function pipe(mib: number, pool: Pool, crew: Crew): Promise<void> {
  await put(source(mib), {
    keys,
    pool,
    crew,
    log: silentLog,
    lease: { id: '0'.repeat(32), owner: '', made: 0 },
    segmentsAhead: pool.slots,
    hash: 'blake3',
    code: () => code,
    order: async () => holders,
    signal: new AbortController().signal,
  })
}

async function* source(mib: number): Bytes {
  const count = (mib * segment) / chunk.length
  for (let index = 0; index < count; index++) yield chunk
}

const holders: Holder[] = Array.from({ length: code.n }, (_, index) => ({
  member: {
    id: `${index}`,
    role: 'storage',
    name: '',
    zone: '',
    capacity: 1,
    free: 0,
    address: '',
  },
  have: async () => [],
  keep: async () => true,
  fetch: async () => ({ rotted: [] }),
}))
