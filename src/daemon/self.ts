import { systemClock, type Clock } from '../base/clock.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Reach } from '../discovery/reach.ts'
import { recordLimits, type Saying } from '../discovery/record.ts'
import type { Store } from '../store/store.ts'
import { reachableEndpoints } from '../transport/endpoint.ts'
import type { TlsTransporter } from '../transport/tlsTransporter.ts'
import { parseListen, type Config } from './config.ts'

const lookMs = 5_000 // A machine that was carried to another network is found again soon.
const firstMs = 300
const relaysMax = 3

export interface SelfParts {
  readonly config: Config
  readonly store: Store
  readonly transporter: TlsTransporter
  readonly reach: Reach
  /** Where the router lets others in, if it does. */
  readonly mapped: () => string | undefined
}

/** What a node says of itself that changes while it runs. */
export type Changing = Pick<Saying, 'free' | 'addresses' | 'relays'>

/** What is known at once: a store that is just opened may take long to say what is free. */
export function firstSaying(parts: SelfParts): Changing {
  return { free: 0, addresses: addressesOf(parts), relays: [] }
}

export async function describeSelf(parts: SelfParts, membership: Membership): Promise<Changing> {
  const { free } = await parts.store.usage()
  return { free, addresses: addressesOf(parts), relays: relaysOf(membership) }
}

/** Tells the swarm when this node has moved, or is reached in another way than before. */
export async function followSelf(
  parts: SelfParts,
  membership: Membership,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const where = ({ addresses, relays }: Pick<Saying, 'addresses' | 'relays'>) =>
    JSON.stringify([addresses, relays])
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    let changing: Changing
    try {
      await clock.sleep(isFirst ? firstMs : lookMs, signal)
      changing = await describeSelf(parts, membership)
    } catch (error) {
      if (signal.aborted) return // Closing, perhaps while a large store is still being counted.
      throw error
    }
    if (!isFirst && where(changing) === where(membership.own)) continue
    if (String(changing.addresses) !== String(membership.own.addresses)) parts.reach.again()
    await membership.say(changing)
  }
}

/** The surest first: what a person said, what a member has dialed, what the router says, what the machine has. */
function addressesOf({ config, transporter, reach, mapped }: SelfParts): string[] {
  const { port } = transporter
  if (port === undefined) return []
  const own = reachableEndpoints(parseListen(config.listen).host, port)
  const all = [config.publicAddress, ...reach.confirmed(), mapped(), ...own]
  return [...new Set(all.filter((one) => one !== undefined))].slice(0, recordLimits.addressesMax)
}

/** Members over which this node can be reached by those that cannot dial it. */
function relaysOf(membership: Membership): string[] {
  return membership
    .others()
    .filter(
      ({ record, peer }) => record.offersRelay && peer?.address.startsWith('relay:') === false,
    )
    .map(({ record }) => record.id)
    .toSorted()
    .slice(0, relaysMax)
}
