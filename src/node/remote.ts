import type { Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { layoutId, type Layout } from '../coding/layout.ts'
import type { Header, Peer } from '../transport/transporter.ts'
import type { Lease } from '../lease/lease.ts'
import type { Answer, Held, Into, Inventory, Surveyed, Wanted } from './holder.ts'
import type { Limits } from './limits.ts'
import type { Member } from './member.ts'
import * as protocol from './protocol.ts'

/** A peer as a holder. */
export class RemoteHolder implements Surveyed {
  readonly #peer: Pick<Peer, 'request'>
  readonly member: Member
  readonly #limits: Limits
  readonly #hurry: { quiet?: true }

  constructor(
    peer: Pick<Peer, 'request'>,
    member: Member,
    limits: Limits,
    hurry: { quiet?: true } = {},
  ) {
    this.#peer = peer
    this.member = member
    this.#limits = limits
    this.#hurry = hurry
  }

  quietly(): Surveyed {
    return new RemoteHolder(this.#peer, this.member, this.#limits, { quiet: true })
  }

  async have(block: Address, signal: AbortSignal, leases: readonly Lease[] = []): Promise<Held[]> {
    const [first, ...rest] = protocol.leasePages(leases)
    for (const page of rest) await this.#ask(protocol.encodeHave(block, page), signal)
    return protocol.decodeHeld(await this.#ask(protocol.encodeHave(block, first), signal))
  }

  async survey(
    blocks: readonly Address[],
    signal: AbortSignal,
    leases?: readonly Lease[],
  ): Promise<Inventory[]> {
    const header = await this.#ask(protocol.encodeSurvey(blocks, leases), signal)
    return protocol.decodeSurveyed(header, blocks.length)
  }

  async layoutOf(block: Address, id: string, signal: AbortSignal): Promise<Layout | undefined> {
    const layout = protocol.decodeLayoutIs(
      await this.#ask(protocol.encodeLayoutOf(block, id), signal),
    )
    const isRight = layout && layout.block.equals(block) && layoutId(layout) === id
    return isRight ? layout : undefined
  }

  async keep(
    layout: Layout,
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal,
    leases: readonly Lease[],
  ): Promise<boolean> {
    const [first, ...rest] = protocol.leasePages(leases)
    const header = { ...protocol.encodeKeep(layout, index, first!), ...this.#hurry }
    const message = { header, payload: bytes }
    const timeoutMs = this.#limits.keepMs
    const answer = await this.#peer.request(message, { signal, timeoutMs })
    answer.release?.()
    if (rest.length > 0) await this.have(layout.block, signal, rest.flat())
    return answer.header.isNew === true
  }

  async fetch(block: Address, wanted: Wanted, into: Into, signal: AbortSignal): Promise<Answer> {
    let misfit = false
    const answer = await this.#peer.request(
      { header: { ...protocol.encodeFetch(block, wanted), ...this.#hurry } },
      {
        signal,
        timeoutMs: this.#limits.fetchMs,
        into: (header, size) => {
          const fetched = protocol.decodeAnswer(header).fetched
          const place = fetched && into(fetched.layout, fetched.index)
          misfit = place !== undefined && place.length !== size
          return misfit ? undefined : place
        },
      },
    )
    answer.release?.()
    if (misfit) throw new DreyError('protocol', 'its shard is not of the size its layout says')
    return protocol.decodeAnswer(answer.header)
  }

  /** A small question. */
  async #ask(header: Header, signal: AbortSignal): Promise<Header> {
    const timeoutMs = this.#limits.answerMs
    const answer = await this.#peer.request({ header }, { signal, timeoutMs })
    answer.release?.()
    return answer.header
  }
}
