import type { Duplex } from 'node:stream'
import { equalBytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { systemRandom, type Random } from '../base/random.ts'
import { readMessage, sendMessage } from './admissionStream.ts'
import * as words from './admissionWords.ts'
import { fingerprintOf } from './authority.ts'
import { whyNot } from './dialing.ts'
import { peerIdOf } from './identity.ts'
import { Patience } from './patience.ts'
import { proveKey, readKey } from './proof.ts'
import { dialStranger } from './tls.ts'
import type { Token } from './token.ts'

/** What a machine brings to become a member: keys that never leave it, and what people call it. */
export interface Application {
  readonly keyPem: string
  /** The key it admits others with, should the invitation be an issuer's. */
  readonly issuingKeyPem: string
  readonly name: string
}

export interface Admitted extends words.Admission {
  /** The swarm's certificate (PEM), the one that the token names. */
  readonly authorityPem: string
  /** Where the issuer was reached. */
  readonly address: string
}

interface Options {
  readonly clock: Clock
  readonly random?: Random
  readonly signal: AbortSignal
}

const limits = {
  knockMs: 5_000, // To find out whether the swarm is at an address.
  answerMs: 20_000,
  triesMax: 3, // The same key may ask again: its answer may have been lost.
  pauseMs: 1_000,
} as const

/**
 * Becomes a member of the token's swarm. Nothing of the token is said before TLS has shown an issuer of the
 * swarm that has the token's fingerprint. Throws what the issuer says ('not-allowed': it was used, say);
 * 'not-a-member' when there is another swarm, 'unreachable' when nobody is at any of the addresses.
 */
export async function applyTo(
  token: Token,
  application: Application,
  options: Options,
): Promise<Admitted> {
  const failures: DreyError[] = []
  for (const address of token.addresses) {
    const found = await knockPatiently(address, token, options).catch((error: unknown) => {
      options.signal.throwIfAborted()
      failures.push(whyNot(address, error))
    })
    if (found !== undefined) return askPatiently(found, token, application, options)
  }
  const telling = failures.find(({ code }) => code !== 'unreachable')
  if (telling !== undefined) throw telling
  const all = failures.map(messageOf).join('; ')
  throw new DreyError('unreachable', `whoever invited you is not there: ${all}`)
}

/** An issuer of the token's swarm, ready to listen. */
interface Issuer {
  readonly address: string
  readonly authorityPem: string
  readonly stream: Duplex
}

/** Knocks again when a port that has too many visitors turns this one away: many may be invited at once. */
async function knockPatiently(address: string, token: Token, options: Options): Promise<Issuer> {
  for (let tries = 1; ; tries++) {
    try {
      return await knock(address, token, options)
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isDreyError(error, 'protocol') || tries === limits.triesMax) throw error
    }
    await pause(options)
  }
}

/** Two visits: one to see who says to be there, one in which TLS holds it to that. */
async function knock(address: string, token: Token, options: Options): Promise<Issuer> {
  const { clock, signal } = options
  const late = new DreyError('unreachable', `${address} did not answer within ${limits.knockMs} ms`)
  using patience = new Patience(clock, limits.knockMs, late)
  const limit = AbortSignal.any([signal, patience.signal])
  const { authorityPem, stream: first } = await greeted(address, undefined, limit)
  first.destroy()
  if (!equalBytes(fingerprintOf(authorityPem), token.fingerprint)) {
    throw new DreyError(
      'not-a-member',
      `${address} is not of the swarm that the invitation names; it was told nothing`,
    )
  }
  const { stream } = await greeted(address, authorityPem, limit)
  return { address, authorityPem, stream }
}

/** Dials, and reads which swarm's authority it is that is said to be there. */
async function greeted(address: string, authorityPem: string | undefined, signal: AbortSignal) {
  const options = { authorityPem, signal }
  const { stream, member } = await dialStranger(address, words.joinProtocol, options)
  try {
    if (member !== undefined && member.role !== 'issuer') {
      throw new DreyError('not-a-member', `${address} is a member that may not invite`)
    }
    return { stream, authorityPem: words.decodeGreeting(await answerOf(stream, signal)) }
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** Asks, and asks again when the connection is lost before the answer. */
async function askPatiently(
  found: Issuer,
  token: Token,
  application: Application,
  options: Options,
): Promise<Admitted> {
  const { address, authorityPem } = found
  let stream = found.stream
  for (let tries = 1; ; tries++) {
    try {
      const admission = await ask(stream, token, application, options)
      return { ...admission, address, authorityPem }
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isDreyError(error, 'unreachable') || tries === limits.triesMax) throw error
    }
    await pause(options)
    stream = (await knockPatiently(address, token, options)).stream
  }
}

/** Not for the same time as others who were turned away with this one. */
function pause({ clock, random = systemRandom, signal }: Options): Promise<void> {
  return clock.sleep(limits.pauseMs * (0.5 + random.fraction()), signal)
}

async function ask(
  stream: Duplex,
  { fingerprint, secret }: Token,
  { keyPem, issuingKeyPem, name }: Application,
  { clock, signal }: Options,
): Promise<words.Admission> {
  const late = new DreyError('timeout', 'whoever invited you did not answer in time')
  using patience = new Patience(clock, limits.answerMs, late)
  const own = proveKey(keyPem, { join: { fingerprint, secret } })
  const member = peerIdOf(readKey(own.key))
  const issuing = proveKey(issuingKeyPem, { issue: { fingerprint, member } })
  try {
    sendMessage(stream, words.encodeNewcomer({ secret, name, own, issuing }))
    return words.decodeAdmission(await answerOf(stream, AbortSignal.any([signal, patience.signal])))
  } finally {
    stream.destroy()
  }
}

async function answerOf(stream: Duplex, signal: AbortSignal): Promise<Uint8Array> {
  const message = await readMessage(stream, signal)
  if (message !== undefined) return message
  throw new DreyError('unreachable', 'the connection was lost before the answer')
}
