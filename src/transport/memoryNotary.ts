import { blake3 } from '../address/blake3.ts'
import { concat, equalBytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Vouched } from './door.ts'
import type { Notary, Signed } from './notary.ts'
import type { PeerId, Role } from './transporter.ts'

/**
 * The notary of a memory network, where ids are plain names: a signature is a hash. It keeps members that
 * lie about others from being believed, and simulated ones quick; it protects nothing.
 */
export class MemoryNotary implements Notary {
  readonly id: PeerId
  readonly #role: Role

  constructor(id: PeerId, role: Role) {
    this.id = id
    this.#role = role
  }

  sign(purpose: string, text: Uint8Array): Signed {
    const signer = [Buffer.from(this.#role), Buffer.from(this.id)].map(
      (part) => new Uint8Array(part),
    )
    return { text, signer, signature: hashOf(purpose, signer, text) }
  }

  check(purpose: string, { text, signer, signature }: Signed): Vouched {
    if (signer.length !== 2 || !equalBytes(signature, hashOf(purpose, signer, text))) {
      throw new DreyError('not-a-member', 'this is signed by nobody')
    }
    const [role, id] = signer.map((part) => Buffer.from(part).toString('utf8'))
    return { id: id!, role: role as Role, issuers: [] }
  }
}

function hashOf(purpose: string, signer: readonly Uint8Array[], text: Uint8Array): Uint8Array {
  return blake3.hash(concat([Buffer.from(purpose), ...signer, text]))
}
