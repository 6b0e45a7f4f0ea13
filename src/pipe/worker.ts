import { parentPort, workerData } from 'node:worker_threads'
import { openKernel } from '../coding/kernel.ts'
import { messageOf } from '../base/error.ts'
import { Worksite, type Job } from './jobs.ts'

/** What a thread is told when it starts. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory
  readonly scratchAt: number
}

const { memory, scratchAt } = workerData as WorkerData
const site = new Worksite(memory, openKernel(memory, scratchAt))

parentPort!.on('message', ({ id, job }: { id: number; job: Job }) => {
  try {
    const result = job.type === 'seal' ? site.seal(job) : site.open(job)
    parentPort!.postMessage({ id, result })
  } catch (error) {
    parentPort!.postMessage({ id, failure: messageOf(error) })
  }
})
