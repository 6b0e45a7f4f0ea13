import { isDreyError, messageOf, type ErrorCode } from '../base/error.ts'
import type { Diagnosis } from '../gateway/doctor.ts'

/** What is to be said of one thing, once it was looked at. */
export type Verdict = Omit<Diagnosis, 'what'>

export const ok = (seen: string): Verdict => ({ state: 'ok', seen })

export const warn = (seen: string, todo: string): Verdict => ({ state: 'warn', seen, todo })

export function bad(code: ErrorCode, seen: string, todo: string): Verdict {
  return { state: 'bad', seen, todo, code }
}

/** Looks at one thing. That it cannot be looked at is bad, too. */
export async function looked(
  what: string,
  look: () => Verdict | Promise<Verdict>,
  todo = 'see the log of the node',
): Promise<Diagnosis> {
  try {
    return { what, ...(await look()) }
  } catch (error) {
    const code = isDreyError(error) ? error.code : 'cannot-write'
    return { what, ...bad(code, messageOf(error), todo) }
  }
}
