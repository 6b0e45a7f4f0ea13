import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import type { CatalogView, RecoverParts } from '../gateway/recover.ts'
import type { Leases } from '../lease/leases.ts'
import { Catalogs } from '../names/catalogs.ts'
import { OwnCatalog } from '../node/ownCatalog.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Config } from './config.ts'
import { listOf } from './members.ts'
import type { OwnNames } from './names.ts'
import type { Swarm } from './swarm.ts'

export interface CatalogParts {
  readonly config: Pick<Config, 'without'>
  readonly naming: OwnNames
  readonly swarm: Pick<Swarm, 'membership' | 'notary'>
  readonly node: Orchestrator
  readonly leases: Leases
  /** A reader's; without them there is no catalog. */
  readonly keys: ReadKeys | undefined
  readonly log: Log
}

/** Keeps the list of what this node stored in the swarm, and can bring back another's. */
export function openCatalog(parts: CatalogParts): (RecoverParts & AsyncDisposable) | undefined {
  const { config, naming, swarm, keys } = parts
  if (keys === undefined) return undefined
  const common = { clock: systemClock, random: systemRandom, log: parts.log }
  const { register, spread } = naming
  const catalogs = new Catalogs({ ...common, register, spread, notary: swarm.notary, keys })
  const isTold = !config.without?.includes('catalog')
  const own = new OwnCatalog({ ...parts, ...common, catalogs }, { isTold })
  return {
    ...{ catalogs, own, about: (id) => about(id, swarm.membership) },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

function about(id: string, membership: Swarm['membership']): Pick<CatalogView, 'name' | 'state'> {
  const member = listOf(membership).find((each) => each.id === id)
  if (member === undefined) return { name: id, state: 'gone' }
  const isHere = member.state === 'live' || member.state === 'leaving'
  return { name: member.name, state: member.state === 'this' ? 'this' : isHere ? 'live' : 'away' }
}
