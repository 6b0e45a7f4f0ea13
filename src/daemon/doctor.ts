import type { Diagnosis } from '../gateway/doctor.ts'
import { examineFolder } from './doctorFolder.ts'
import { examineKeeping, type KeepingParts } from './doctorKeeping.ts'
import { examineSwarm, type SwarmToExamine } from './doctorSwarm.ts'
import { looked, ok, warn, type Verdict } from './diagnosis.ts'
import { version } from './version.ts'

export type DoctorParts = KeepingParts & SwarmToExamine

/** Looks at everything that may be wrong with a node. What cannot be looked at is bad, and the rest goes on. */
export async function examineNode(parts: DoctorParts, signal: AbortSignal): Promise<Diagnosis[]> {
  return [
    await looked('node', () => node(parts)),
    ...(await examineFolder(parts.folder, parts.clock)),
    ...(await examineKeeping(parts)),
    ...(await examineSwarm(parts, signal)),
  ]
}

function node({ config, isVisit }: DoctorParts): Verdict {
  const what = `Drey ${version()} on Node ${process.versions.node}`
  if (!isVisit) return ok(`${what} runs as process ${process.pid}`)
  if (config.capacity === 0) return ok(`${what}; it does not run, and keeps nothing for others`)
  const seen = `${what}; it does not run, and nobody can fetch what it keeps`
  return warn(seen, 'drey start; deploy/README.md shows how it starts with the machine')
}
