import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import type { Membership } from '../discovery/membership.ts'
import { openOrSetAside } from '../lease/setAside.ts'
import { Names } from '../names/names.ts'
import { Register } from '../names/register.ts'
import { schema } from '../names/schema.ts'
import { Spread } from '../names/spread.ts'
import type { Operations } from '../node/serve.ts'
import type { DataFolder } from './folder.ts'
import type { Swarm } from './swarm.ts'

export interface NamesParts {
  readonly folder: DataFolder
  readonly swarm: Pick<Swarm, 'transporter' | 'membership' | 'notary'>
  readonly keys: ReadKeys | undefined
  readonly log: Log
}

/** What a node knows of the swarm's names, and how it spreads. */
export interface OwnNames extends AsyncDisposable {
  readonly register: Register
  readonly spread: Spread
  readonly names: Names
  readonly operations: Operations
}

/** Opens it. What is damaged is set aside: other members tell it again. */
export async function openNames({ folder, swarm, keys, log }: NamesParts): Promise<OwnNames> {
  await using opened = new AsyncDisposableStack()
  const damaged = 'the names are damaged: they were set aside, and other members tell them again'
  const told = (error: unknown, aside: string) => log.error(damaged, { error, aside })
  const register = new Register(opened.use(await openOrSetAside(folder.names, schema, told)))
  const { transporter, membership, notary } = swarm
  const common = { register, notary, clock: systemClock, random: systemRandom, log }
  const spread = opened.use(new Spread({ ...common, transporter, membership }))
  const names = new Names({ ...common, spread, keys })
  const close = opened.move()
  return {
    ...{ register, spread, names },
    operations: { names: (peer, request) => spread.answer(peer, request) },
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

/** What people call a member, or its id. */
export function nameOfMember(membership: Membership, id: string): string {
  const records = [membership.own, ...membership.others().map(({ record }) => record)]
  return records.find((record) => record.id === id)?.name ?? id
}
