/**
 * What can fail in Drey, by name: programs read the code, people read the sentence.
 * A new code compiles once every door has a line for it.
 */
export type ErrorCode =
  | 'bad-input' // What was given cannot be understood: the message says where and why.
  | 'bad-passphrase' // The keys on disk do not open.
  | 'busy' // A limit is reached; the same may work later.
  | 'cannot-write' // A disk does not keep what it should: the message says why.
  | 'corrupt' // Bytes do not match their address, and no other holder had better ones.
  | 'full' // A quota or the free-space floor is reached.
  | 'no-read-secret' // This node may not read what it was asked to read.
  | 'not-a-member' // A certificate of this swarm is missing, expired or of another swarm.
  | 'not-allowed' // Only another member may do it, or this invitation is of no use any more.
  | 'not-enough-members' // Fewer live members than a put needs.
  | 'not-enough-shards' // Fewer shards of a block found than it takes to give it back.
  | 'not-found' // Nobody who was asked has it.
  | 'protocol' // The other side does not speak as agreed.
  | 'timeout' // The other side did not answer in time.
  | 'unreachable' // The other side cannot be connected to, or the connection was lost.

/** A failure that a person or a program can act on. Bugs are assertions, absence is `undefined`. */
export class DreyError extends Error {
  /** What failed, for programs. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DreyError'
    this.code = code
  }
}

/** Whether `error` is a failure of this kind. */
export function isDreyError(error: unknown, code?: ErrorCode): error is DreyError {
  return error instanceof DreyError && (code === undefined || error.code === code)
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
