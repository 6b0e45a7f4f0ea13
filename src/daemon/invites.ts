import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { blake3 } from '../address/blake3.ts'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import { Turns } from '../store/turns.ts'
import { tokenLimits } from '../transport/token.ts'
import type { PeerId, Role } from '../transport/transporter.ts'

/** What an invitation is for. */
export interface InviteTerms {
  readonly role: Role
  readonly zone?: string
  /** How many machines it admits. */
  readonly uses: number
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** An invitation as it is kept: whoever reads it cannot join with it. */
export interface Invite extends InviteTerms {
  readonly id: string
  /** BLAKE3 of the secret, in hex. */
  readonly hash: string
  readonly madeAt: number
  readonly admitted: readonly { readonly member: PeerId; readonly at: number }[]
}

const invitesMax = 128
const usesMax = 100
const keepMs = 24 * 3_600_000 // For so long who comes late hears that it has expired, and not that it is unknown.

/**
 * The invitations of one issuer, in one file. All that is done to them is done one after the other, and on
 * the disk before anyone hears of it: a crash admits nobody twice.
 */
export class Invites {
  readonly #path: string
  readonly #clock: Clock
  readonly #turns = new Turns()
  #all: readonly Invite[]

  private constructor(path: string, clock: Clock, all: readonly Invite[]) {
    this.#path = path
    this.#clock = clock
    this.#all = all
  }

  /** Reads them, or begins with none. Those in a damaged file are lost, and the log says so: invite again. */
  static async open(path: string, clock: Clock, log: Log): Promise<Invites> {
    return new Invites(path, clock, await readInvites(path, log))
  }

  /** Those that may still be used, and those that were used up or expired lately; the newest last. */
  list(): readonly Invite[] {
    const since = this.#clock.now() - keepMs
    return this.#all.filter(({ expires }) => expires > since)
  }

  /** Whether there is one at all to speak about. */
  get isEmpty(): boolean {
    return this.list().length === 0
  }

  /** Makes one. The secret is known here, and then to whoever is invited alone. Throws 'full', 'bad-input'. */
  async make(terms: InviteTerms): Promise<{ invite: Invite; secret: Uint8Array }> {
    const { uses } = terms
    if (!Number.isSafeInteger(uses) || uses < 1 || uses > usesMax) {
      throw new DreyError('bad-input', `an invitation has 1 to ${usesMax} uses, not ${uses}`)
    }
    return this.#change(async () => {
      const now = this.#clock.now()
      const open = this.#all.filter((invite) => whyClosed(invite, now) === undefined)
      const kept = this.list().length < invitesMax ? this.list() : open
      if (kept.length >= invitesMax) {
        throw new DreyError('full', `${invitesMax} invitations are pending: withdraw one first`)
      }
      const secret = new Uint8Array(randomBytes(tokenLimits.secretBytes))
      const hash = toHex(blake3.hash(secret))
      const invite = { id: hash.slice(0, 8), hash, ...terms, madeAt: now, admitted: [] }
      await this.#save([...kept, invite])
      return { invite, secret }
    })
  }

  /** Takes it back: whoever has its token is not admitted any more. Whether there was one. */
  async withdraw(id: string): Promise<boolean> {
    return this.#change(async () => {
      const kept = this.list().filter((invite) => invite.id !== id)
      const wasThere = kept.length < this.list().length
      if (wasThere) await this.#save(kept)
      return wasThere
    })
  }

  /**
   * Uses the invitation with this secret for this member: does `admit`, and counts it when that is done. A
   * member that was admitted before, and lost the answer, is admitted again and not counted again. Throws
   * 'not-allowed' with what is the matter with the invitation, or what `admit` throws.
   */
  async use<T>(
    secret: Uint8Array,
    member: PeerId,
    admit: (invite: Invite) => Promise<T>,
  ): Promise<T> {
    return this.#change(async () => {
      const now = this.#clock.now()
      const invite = this.#find(secret)
      const isAgain = invite.admitted.some((one) => one.member === member) && now <= invite.expires
      const why = isAgain ? undefined : whyClosed(invite, now)
      if (why !== undefined) throw new DreyError('not-allowed', why)
      const result = await admit(invite)
      const used = { ...invite, admitted: [...invite.admitted, { member, at: now }] }
      if (!isAgain) await this.#save(this.list().map((one) => (one.id === invite.id ? used : one)))
      return result
    })
  }

  /** Looks at all of them, in the time that it takes to compare all of each. */
  #find(secret: Uint8Array): Invite {
    const hash = blake3.hash(secret)
    const [found] = this.list().filter((invite) =>
      timingSafeEqual(Buffer.from(invite.hash, 'hex'), hash),
    )
    if (found !== undefined) return found
    throw new DreyError('not-allowed', 'this invitation is not known here: was it withdrawn?')
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take('', work)
  }

  async #save(all: readonly Invite[]): Promise<void> {
    await writePrivately(this.#path, `${JSON.stringify({ version: 1, invites: all }, null, 2)}\n`)
    this.#all = all
  }
}

/** Why this invitation admits nobody new, or `undefined`. */
export function whyClosed(invite: Invite, now: number): string | undefined {
  const day = new Date(invite.expires).toISOString().slice(0, 16).replace('T', ' ')
  if (now > invite.expires) return `this invitation expired on ${day} UTC: ask for another`
  if (invite.admitted.length < invite.uses) return undefined
  const by = invite.uses === 1 ? 'by another machine' : `by ${invite.uses} machines`
  return `this invitation was used ${by}: ask for another`
}

async function readInvites(path: string, log: Log): Promise<readonly Invite[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [] // Nobody was invited yet.
    throw error
  }
  try {
    const { version, invites } = JSON.parse(text) as { version: number; invites: Invite[] }
    if (version !== 1) throw new Error(`its version is ${String(version)}, this Drey reads 1`)
    for (const { hash } of invites) if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error('no hash')
    return invites
  } catch (error) {
    log.error(`${path} is damaged, and its invitations lost: ${messageOf(error)}`)
    return []
  }
}
