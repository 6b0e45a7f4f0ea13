import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { InviteDesk, Invitation, InviteView, InviteWish } from '../gateway/invites.ts'
import type { Desk } from '../transport/admissionDoor.ts'
import type { Admission, Newcomer } from '../transport/admissionWords.ts'
import {
  checkMayMakeIssuers,
  fingerprintOf,
  issue,
  issueAuthority,
  type Authority,
} from '../transport/authority.ts'
import { peerIdOf } from '../transport/identity.ts'
import { checkKey, readKey } from '../transport/proof.ts'
import { formatToken, tokenLimits } from '../transport/token.ts'
import type { PeerId } from '../transport/transporter.ts'
import { whyClosed, type Invite, type Invites } from './invites.ts'

export interface IssuerParts {
  readonly authority: () => Authority
  /** The swarm's certificate (PEM). */
  readonly authorityPem: string
  readonly readSecret: Uint8Array
  readonly invites: Invites
  /** What people call this machine. */
  readonly name: string
  /** Where others reach it now, the likeliest first. */
  readonly addresses: () => readonly string[]
  /** Where they reach other members. */
  readonly peers: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** A node that may invite: it makes invitations, and members of those who come with one. */
export class Issuer implements Desk, InviteDesk {
  readonly authorityPem: string
  readonly #parts: IssuerParts
  readonly #fingerprint: Uint8Array

  constructor(parts: IssuerParts) {
    this.#parts = parts
    this.authorityPem = parts.authorityPem
    this.#fingerprint = fingerprintOf(parts.authorityPem)
  }

  async invite(wish: InviteWish): Promise<Invitation> {
    const { authority, clock, invites, addresses, log } = this.#parts
    const reached = (wish.addresses ?? addresses()).slice(0, tokenLimits.addressesMax)
    if (reached.length === 0) {
      throw new DreyError(
        'bad-input',
        'nobody can come to a node that listens nowhere: give --address',
      )
    }
    if (wish.role === 'issuer') await checkMayMakeIssuers(authority())
    const { role, zone, uses } = wish
    const expires = Math.ceil((clock.now() + wish.expiresMs) / 1000) * 1000
    const { invite, secret } = await invites.make({ role, zone, uses, expires })
    const fingerprint = this.#fingerprint
    const token = formatToken({ addresses: reached, fingerprint, secret, expires })
    log.info('invited', { invite: invite.id, role, uses })
    return { ...this.#view(invite), addresses: reached, token }
  }

  list(): InviteView[] {
    return this.#parts.invites.list().map((invite) => this.#view(invite))
  }

  async withdraw(id: string): Promise<void> {
    if (await this.#parts.invites.withdraw(id)) return
    throw new DreyError('not-found', `there is no invitation ${id}: see drey invite --list`)
  }

  whyClosed(): string | undefined {
    return this.#parts.invites.isEmpty ? 'nobody is invited here: ask for an invitation' : undefined
  }

  async admit({ secret, name, own, issuing }: Newcomer): Promise<Admission> {
    const { invites, log } = this.#parts
    const fingerprint = this.#fingerprint
    const id = peerIdOf(readKey(own.key))
    return invites.use(secret, id, async (invite) => {
      const publicKeyPem = checkKey(own, { join: { fingerprint, secret } })
      const issuingPem = checkKey(issuing, { issue: { fingerprint, member: id } })
      const admission = await this.#admission(invite, id, publicKeyPem, issuingPem)
      log.info('admitted', { member: id, name, role: invite.role, invite: invite.id })
      return admission
    })
  }

  /** What this invitation gives. A storage member's has no read secret in it. */
  async #admission(
    { role, zone }: Invite,
    member: PeerId,
    publicKeyPem: string,
    issuingPem: string,
  ): Promise<Admission> {
    const { authority, addresses, clock, name, peers, readSecret } = this.#parts
    const common = { role, zone, inviter: name, peers: [...addresses(), ...peers()] }
    if (role === 'issuer') {
      const issuerPem = await issueAuthority(authority(), issuingPem, { member, clock })
      return { ...common, issuerPem, readSecret }
    }
    const certificatePem = await issue(authority(), publicKeyPem, { role, clock })
    return { ...common, certificatePem, readSecret: role === 'reader' ? readSecret : undefined }
  }

  #view(invite: Invite): InviteView {
    const { id, role, zone, uses, expires, madeAt, admitted } = invite
    return {
      ...{ id, role, zone: zone ?? null, uses, usesLeft: uses - admitted.length },
      expires: new Date(expires).toISOString(),
      madeAt: new Date(madeAt).toISOString(),
      closed: whyClosed(invite, this.#parts.clock.now()) ?? null,
      admitted: admitted.map(({ member, at }) => ({ member, at: new Date(at).toISOString() })),
    }
  }
}
