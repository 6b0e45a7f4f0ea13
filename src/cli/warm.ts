import { InlineCrew, WorkerCrew } from '../pipe/crew.ts'
import { Pool } from '../pipe/pool.ts'
import '../daemon/start.ts'
import './start.ts'

// Loads what a node loads, in a process and in a thread, and ends. From a clone, Node strips the types
// of every file that it has no compiled copy of, and the stripper costs a process 12 MB of memory, and a
// thread as much again. Nodes that start afterwards find the copies (NODE_COMPILE_CACHE).
const pool = new Pool({ slots: 1 })
const slot = await pool.lane().take()
const job = { ...slot, type: 'seal', size: 1, k: 1, n: 1, hash: 'blake3' } as const
await new InlineCrew(pool).seal(job)
await new WorkerCrew(pool, { threads: 1 }).seal(job)
