import type { ErrorCode } from '../base/error.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** What was found when one thing about a node was looked at. */
export interface Diagnosis {
  /** What was looked at, such as "disk" or "clock". */
  readonly what: string
  /** - `warn`: it works, and somebody should look
   * - `bad`: it does not work, or will not for long */
  readonly state: 'ok' | 'warn' | 'bad'
  /** What was seen, in words. */
  readonly seen: string
  /** What to do about it; absent when all is well. */
  readonly todo?: string
  /** What is bad, for programs. */
  readonly code?: ErrorCode
}

/** What `GET /doctor` answers. */
export interface DoctorReply {
  readonly diagnoses: readonly Diagnosis[]
}

/** `GET /doctor`: looks at everything anew, which may take as long as a dial that nobody answers. */
export function doctorDoor(examine: (signal: AbortSignal) => Promise<Diagnosis[]>): PartDoor {
  return ({ method, path, signal }) => {
    if (path !== '/doctor' || method !== 'GET') return undefined
    return examine(signal).then((diagnoses) => jsonReply({ diagnoses } satisfies DoctorReply))
  }
}
