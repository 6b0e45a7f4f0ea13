import { InlineCrew, WorkerCrew } from '../pipe/crew.ts'
import { Pool } from '../pipe/pool.ts'
import '../web/web.ts'
import './start.ts'

/**
 * Loads what a node loads, in the process and in a thread. From a clone, Node strips the types of every
 * file that it has no compiled copy of, and the stripper costs a process 12 MB of memory, and a thread as
 * much again. Nodes that start afterwards find the copies.
 */
export async function warmUp(): Promise<void> {
  const pool = new Pool({ slots: 1 })
  const { dataAt, parityAt } = await pool.lane().take()
  const job = { type: 'seal', dataAt, parityAt, size: 1, k: 1, n: 1, hash: 'blake3' } as const
  await new InlineCrew(pool).seal(job)
  await using crew = new WorkerCrew(pool, { threads: 1 })
  await crew.seal(job)
}
