import type { Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'

/** A layout of which too few shards were found. */
export interface Lack {
  readonly needed: number
  readonly found: number
}

export interface Shortfall {
  /** How many members were asked. */
  readonly asked: number
  /** Names of members that could have some and could not be asked. */
  readonly absent: readonly string[]
  readonly fellShort: readonly Lack[]
}

const namedMax = 5

/** Why a block could not be made whole, and what may help. */
export function shortfall(block: Address, { asked, absent, fellShort }: Shortfall): DreyError {
  const named = absent.length > namedMax ? [...absent.slice(0, namedMax), 'others'] : absent
  const away = absent.length > 0 ? `; not here: ${named.join(', ')}` : ''
  const who = `${asked} member${asked === 1 ? '' : 's'} asked${away}`
  const [least] = fellShort.toSorted((a, b) => a.needed - a.found - (b.needed - b.found))
  if (least === undefined) return new DreyError('not-found', `nobody has block ${block} (${who})`)
  return new DreyError(
    'not-enough-shards',
    `block ${block}: ${least.needed} shards are needed, ` +
      `${least.found} were found (${who}). Start more of the members that hold it`,
  )
}
