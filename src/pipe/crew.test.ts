import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { equalBytes } from '../base/bytes.ts'
import { seededRandom } from '../base/random.ts'
import { range } from '../coding/matrix.ts'
import { InlineCrew, WorkerCrew, type Crew } from './crew.ts'
import type { Sealed } from './jobs.ts'
import { Pool } from './pool.ts'

const size = 64 * 1024

/** Seals the same bytes in a slot of their own: mostly work for the coding kernel. */
async function seal(crew: Crew, pool: Pool): Promise<Sealed> {
  const slot = await pool.lane().take()
  try {
    slot.data(size).set(seededRandom(1).bytes(size))
    const { dataAt, parityAt } = slot
    return await crew.seal({ type: 'seal', dataAt, parityAt, size, k: 64, n: 256, hash: 'blake3' })
  } finally {
    slot.release()
  }
}

function sealInline(): Promise<Sealed> {
  const pool = new Pool()
  return seal(new InlineCrew(pool), pool)
}

/** The threads that are started while `work` goes on. */
async function startedBy(work: () => Promise<unknown>): Promise<Worker[]> {
  const started: Worker[] = []
  const note = (worker: Worker) => void started.push(worker)
  process.on('worker', note)
  try {
    await work()
  } finally {
    process.off('worker', note)
  }
  return started
}

function assertSame(many: readonly Sealed[], one: Sealed): void {
  for (const { shards } of many) assert.ok(equalBytes(shards, one.shards))
}

describe('a crew of threads', () => {
  it('starts no thread before there is work, and no more than it may', async () => {
    const pool = new Pool()
    const idle = await startedBy(async () => {
      await using _crew = new WorkerCrew(pool, { threads: 2 })
    })
    assert.equal(idle.length, 0)
    await using crew = new WorkerCrew(pool, { threads: 2 })
    const inTurn = () => seal(crew, pool).then(() => seal(crew, pool))
    assert.equal((await startedBy(inTurn)).length, 1)
    const atOnce = () => Promise.all(range(6).map(() => seal(crew, pool)))
    assert.equal((await startedBy(atOnce)).length, 1)
  })

  it('does many jobs at once as one thread does them in turn', async () => {
    const pool = new Pool()
    await using crew = new WorkerCrew(pool, { threads: 2 })
    const expected = await sealInline()
    assertSame(await Promise.all(range(12).map(() => seal(crew, pool))), expected)
  })

  it('rejects the jobs of a thread that dies, and does the next in another', async () => {
    const pool = new Pool()
    await using crew = new WorkerCrew(pool, { threads: 1 })
    let jobs: PromiseSettledResult<Sealed>[] = []
    const [worker] = await startedBy(async () => {
      const first = seal(crew, pool)
      const [thread] = (await once(process, 'worker')) as [Worker]
      thread.postMessage(null) // Not a message it understands: it dies of it.
      // The first is done before it dies; whether its answer still comes, nobody knows.
      jobs = (await Promise.allSettled([first, seal(crew, pool), seal(crew, pool)])).slice(1)
    })
    assert.deepEqual(
      jobs.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    const [next] = await startedBy(() => seal(crew, pool))
    assert.notEqual(next, worker)
    assert.equal(pool.inUse, 0)
  })

  it('keeps threads out of each other’s scratch area when one has been replaced', async () => {
    const pool = new Pool()
    const expected = await sealInline()
    await using crew = new WorkerCrew(pool, { threads: 2 })
    const [first] = await startedBy(() => Promise.all([seal(crew, pool), seal(crew, pool)]))
    await first!.terminate()
    await Promise.all([seal(crew, pool), seal(crew, pool)]) // Another takes its place, and is awake.
    assertSame(await Promise.all(range(40).map(() => seal(crew, pool))), expected)
  })

  it('rejects what is under way when it is closed, and everything afterwards', async () => {
    const pool = new Pool()
    const crew = new WorkerCrew(pool, { threads: 1 })
    const underway = range(3).map(() => seal(crew, pool))
    const settled = Promise.allSettled(underway)
    await new Promise((resolve) => setImmediate(resolve))
    await crew[Symbol.asyncDispose]()
    await crew[Symbol.asyncDispose]()
    assert.ok((await settled).some(({ status }) => status === 'rejected'))
    await assert.rejects(seal(crew, pool), /the pipe is closed/)
    assert.equal(pool.inUse, 0)
  })

  it('sends back no more memory than the hashes take', async () => {
    const pool = new Pool()
    await using crew = new WorkerCrew(pool, { threads: 1 })
    const { shards } = await seal(crew, pool)
    assert.equal(shards.buffer.byteLength, 256 * 32)
  })
})
