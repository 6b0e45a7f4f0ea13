import { equalBytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { unwrapKey, type ReadKeys } from '../crypto/keys.ts'
import { wrapOf } from '../manifest/node.ts'

/** The key of a blob, out of its root. Throws 'bad-input', and 'no-read-secret' when it does not unwrap. */
export function rootKeyOf(root: Uint8Array, keys: ReadKeys | undefined): Uint8Array {
  const wrapped = wrapOf(root)
  if (wrapped === undefined) throw notAWhole()
  const key = keys && unwrapKey(keys, wrapped)
  if (key !== undefined) return key
  const why = keys ? 'it was put in another swarm' : 'this node has no read secret'
  throw new DreyError('no-read-secret', `${why}: reading it takes its link (drey:…#…)`)
}

/**
 * Whether a link's key is that of a root of this swarm; false where that cannot be known: it is another
 * swarm's, or this node has no read secret. Throws 'bad-input' when it is another key: it would open other bytes.
 */
export function opensOwn(root: Uint8Array, key: Uint8Array, keys: ReadKeys | undefined): boolean {
  const wrapped = wrapOf(root)
  const own = wrapped && keys && unwrapKey(keys, wrapped)
  if (own === undefined) return false
  if (equalBytes(own, key)) return true
  throw new DreyError(
    'bad-input',
    'this key is not that of this address: it is mistyped, or of another link',
  )
}

export function notAWhole(): DreyError {
  return new DreyError('bad-input', 'this is the address of a part of a blob, not of a whole one')
}

export function cannotSeal(): DreyError {
  const hint = 'put at a node whose role is reader'
  return new DreyError('no-read-secret', `this node stores for others and cannot seal: ${hint}`)
}
