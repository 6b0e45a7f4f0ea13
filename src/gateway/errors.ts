import { DreyError, messageOf, type ErrorCode } from '../base/error.ts'
import { jsonReply, type DoorReply } from './door.ts'

/** HTTP's word for each failure. */
export const statuses: Record<ErrorCode, number> = {
  'bad-input': 400,
  'bad-passphrase': 403,
  busy: 503,
  'cannot-write': 500,
  corrupt: 502,
  full: 507,
  'no-read-secret': 403,
  'not-a-member': 403,
  'not-allowed': 403,
  'not-enough-members': 503,
  'not-enough-shards': 503,
  'not-found': 404,
  protocol: 502,
  timeout: 504,
  unreachable: 503,
}

/** A failure as it travels through a door. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode | 'internal'; readonly message: string }
}

export function errorBody(error: unknown): ErrorBody {
  const code = error instanceof DreyError ? error.code : 'internal'
  return { error: { code, message: messageOf(error) } }
}

/** The header says it again: the answer to HEAD has no body. */
export function errorReply(error: unknown): DoorReply {
  const body = errorBody(error)
  const reply = jsonReply(body, error instanceof DreyError ? statuses[error.code] : 500)
  const headers = { ...reply.headers, 'drey-error': encodeURIComponent(JSON.stringify(body)) }
  return { ...reply, headers }
}

/** The failure that an error body tells of. */
export function errorFrom({ error }: ErrorBody): Error {
  return error.code === 'internal'
    ? new Error(error.message)
    : new DreyError(error.code, error.message)
}
