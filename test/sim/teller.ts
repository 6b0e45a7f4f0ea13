import { parentPort } from 'node:worker_threads'
import { tell } from './story.ts'

// A thread of the crowd: is given seeds, one after the other, and says what became of each.
parentPort!.on('message', (seed: number) => {
  void tell(seed).then((outcome) => {
    const events = outcome.violations.length > 0 ? outcome.events : []
    parentPort!.postMessage({ ...outcome, events })
  })
})
