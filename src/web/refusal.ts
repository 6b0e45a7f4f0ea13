import type { ErrorCode } from '../base/error.ts'
import { jsonReply, type DoorReply } from '../gateway/door.ts'
import { type ErrorBody } from '../gateway/errors.ts'

/** What HTTP says no to, and the rest of Drey has no word for: the code is the nearest. */
const codes = {
  401: 'not-allowed',
  403: 'not-allowed',
  404: 'not-found',
  405: 'bad-input',
  406: 'bad-input',
  408: 'timeout',
  412: 'bad-input',
  414: 'bad-input',
  416: 'bad-input',
  421: 'not-allowed',
  503: 'busy',
} as const satisfies Record<number, ErrorCode>

export type RefusalStatus = keyof typeof codes

/** Thrown by whatever answers a request that is to be refused with a status of its own. */
export class Refusal extends Error {
  readonly status: RefusalStatus
  readonly headers: Readonly<Record<string, string>>

  constructor(status: RefusalStatus, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

export function refusalReply({ status, message, headers }: Refusal): DoorReply {
  const body: ErrorBody = { error: { code: codes[status], message } }
  const reply = jsonReply(body, status)
  return { ...reply, headers: { ...reply.headers, ...headers } }
}
