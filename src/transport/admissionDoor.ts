import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { Rarely } from '../base/rarely.ts'
import { finish, readMessage, sendMessage } from './admissionStream.ts'
import * as words from './admissionWords.ts'
import type { StreamDoor } from './door.ts'
import { Patience } from './patience.ts'
import { Visits } from './visits.ts'

/** Decides who becomes a member. */
export interface Desk {
  /** The swarm's certificate (PEM). */
  readonly authorityPem: string
  /** Why nobody can become one now; `undefined` when somebody may. */
  whyClosed(): string | undefined
  /** Makes a member of a newcomer. Throws 'not-allowed', 'not-a-member', 'protocol'. */
  admit(newcomer: words.Newcomer): Promise<words.Admission>
}

const limits = {
  hostMax: 150, // A minute; joining takes two. Not enough to fill the room that the port has for visitors.
  allMax: 600,
  visitMs: 5_000,
  lastWordMs: 2_000, // For the newcomer to read the answer.
} as const

/**
 * Where newcomers ask an issuer to admit them: a door that demands nobody in particular, so each visit has
 * bounds. It shows the swarm's certificate, hears one request, and answers it.
 */
export function admissionDoor(desk: Desk, { clock, log }: { clock: Clock; log: Log }): StreamDoor {
  const visits = new Visits(clock, limits)
  const rarely = new Rarely(clock)
  return async (stream, { address }) => {
    using patience = new Patience(
      clock,
      limits.visitMs,
      new DreyError('timeout', 'it took too long'),
    )
    try {
      if (!visits.admit(address))
        throw new DreyError('busy', 'too many want to join; try in a minute')
      const admission = await receive(desk, stream, patience.signal)
      if (admission === undefined) return void stream.destroy()
      sendMessage(stream, words.encodeAdmission(admission))
    } catch (error) {
      tell(error, address)
      sendMessage(stream, words.encodeRefusal(error))
    }
    using lastWord = new Patience(clock, limits.lastWordMs, new Error('it had time to read'))
    await finish(stream, lastWord.signal)
  }

  function tell(error: unknown, from: string): void {
    const why = messageOf(error)
    if (!isDreyError(error)) return log.error(`a newcomer could not be admitted: ${why}`, { from })
    // One line in a minute for each kind: a thousand may come in that time.
    rarely.say(error.code, (held) => log.warn('refused a newcomer', { from, why, held }))
  }
}

/** `undefined` for one who only looked at the certificate. */
async function receive(
  desk: Desk,
  stream: Duplex,
  signal: AbortSignal,
): Promise<words.Admission | undefined> {
  const why = desk.whyClosed()
  if (why !== undefined) throw new DreyError('not-allowed', why)
  sendMessage(stream, words.encodeGreeting(desk.authorityPem))
  const asked = await readMessage(stream, signal)
  return asked && desk.admit(words.decodeNewcomer(asked))
}
