import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { mapAhead } from '../base/flow.ts'
import { silentLog } from '../base/log.ts'
import type { Layout } from '../coding/layout.ts'
import { openCrew } from '../pipe/crew.ts'
import { Pool } from '../pipe/pool.ts'
import { openDiskStore } from '../store/disk.ts'
import { createAuthority, issue } from '../transport/authority.ts'
import { createKey, makeIdentity } from '../transport/identity.ts'
import { listenTls } from '../transport/tlsTransporter.ts'

const segment = 1 << 20
const shard = segment / 4
const atOnce = 16

/** What this machine can do for a node, in MiB a second. */
export interface MachineSpeed {
  /** Hash, seal, address and code 4 of 6: of plaintext. */
  readonly pipe: number
  /** Shards kept, each synced to the disk of the folder. */
  readonly disk: number
  /** Shards sent to another node on this machine, both sides here. */
  readonly wire: number
}

/** Measures each part alone for a few seconds, in a folder of its own below `below`. */
export async function measureMachine(
  below: string,
  options: { mib: number; threads: number; signal: AbortSignal },
): Promise<MachineSpeed> {
  const pipe = await pipeSpeed(options)
  const folder = await mkdtemp(join(below, 'drey-bench-'))
  try {
    const disk = await diskSpeed(join(folder, 'store'), options)
    return { pipe, disk, wire: await wireSpeed(options) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Options {
  readonly mib: number
  readonly threads: number
  readonly signal: AbortSignal
}

async function pipeSpeed({ mib, threads, signal }: Options): Promise<number> {
  const pool = new Pool()
  await using crew = openCrew(pool, threads)
  const lane = pool.lane()
  const secret = new Uint8Array(randomBytes(32))
  const seal = async () => {
    const slot = await lane.take(signal)
    const { dataAt, parityAt } = slot
    const place = { dataAt, parityAt, size: segment, k: 4, n: 6 }
    await crew.seal({ type: 'seal', ...place, hash: 'blake3', secret })
    slot.release()
  }
  return await speed(mib, segment, signal, seal)
}

async function diskSpeed(folder: string, { mib, signal }: Options): Promise<number> {
  await using store = await openDiskStore(folder, { log: silentLog })
  return await speed(mib, shard, signal, async () => {
    const bytes = new Uint8Array(randomBytes(shard))
    const block = addressOf('raw', 'blake3', bytes)
    const layout: Layout = { block, size: shard, k: 1, n: 1, shards: [blake3.hash(bytes)] }
    await store.put({ layout, index: 0, bytes }, { signal })
  })
}

async function wireSpeed({ mib, signal }: Options): Promise<number> {
  const authority = await createAuthority('bench')
  const open = async () => {
    const { keyPem, publicKeyPem } = createKey()
    const certificatePem = await issue(authority, publicKeyPem, { role: 'storage' })
    const authorityPem = authority.certificatePem
    const identity = makeIdentity({ keyPem, certificatePem, authorityPem })
    return listenTls({ identity, host: '127.0.0.1', port: 0 })
  }
  await using there = await open()
  await using here = await open()
  there.serve(async (_peer, request) => {
    request.release?.()
    return { header: {} }
  })
  const peer = await here.connect(there.address, { signal })
  const payload = new Uint8Array(randomBytes(shard))
  return await speed(mib, shard, signal, async () => {
    const answer = await peer.request({ header: {}, payload }, { signal })
    answer.release?.()
  })
}

/** MiB a second of `work` done `atOnce` times at once on `size` bytes each. */
async function speed(
  mib: number,
  size: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<number> {
  const rounds = Math.ceil((mib * 2 ** 20) / size)
  const started = performance.now()
  for await (const _ of mapAhead(Array<void>(rounds).fill(), atOnce, work)) signal.throwIfAborted()
  return mib / ((performance.now() - started) / 1000)
}
