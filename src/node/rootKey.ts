import type { Address } from '../address/address.ts'
import { equalBytes, free } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { unwrapKey, type ReadKeys } from '../crypto/keys.ts'
import { wrapOf } from '../manifest/node.ts'
import { Blob } from './get.ts'

/**
 * Opens a root with a link's key, or with the key that the read secret unwraps. Throws 'bad-input', also for the
 * key of another link, and 'no-read-secret' when there is no key that opens it. The root's memory is given back.
 */
export function openRoot(
  address: Address,
  root: Uint8Array,
  { key, keys }: { key?: Uint8Array; keys?: ReadKeys },
): Blob {
  try {
    const wrapped = wrapOf(root)
    const own = wrapped && keys && unwrapKey(keys, wrapped)
    if (key === undefined) return new Blob(address, own ?? refuse(wrapped, keys), root, keys)
    if (own === undefined) return new Blob(address, key, root) // Another swarm's, or this node has no read secret.
    if (equalBytes(own, key)) return new Blob(address, key, root, keys)
  } finally {
    free(root)
  }
  // It would open other bytes.
  const why = 'this key is not that of this address: it is mistyped, or of another link'
  throw new DreyError('bad-input', why)
}

function refuse(wrapped: Uint8Array | undefined, keys: ReadKeys | undefined): never {
  if (wrapped === undefined) throw notAWhole()
  const why = keys ? 'it was put in another swarm' : 'this node has no read secret'
  throw new DreyError('no-read-secret', `${why}: reading it takes its link (drey:…#…)`)
}

export function notAWhole(): DreyError {
  return new DreyError('bad-input', 'this is the address of a part of a blob, not of a whole one')
}

export function cannotSeal(): DreyError {
  const hint = 'put at a node whose role is reader'
  return new DreyError('no-read-secret', `this node stores for others and cannot seal: ${hint}`)
}
