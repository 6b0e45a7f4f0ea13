import { hostname } from 'node:os'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { applyTo, type Admitted } from '../transport/admission.ts'
import { makeIdentity } from '../transport/identity.ts'
import { parseToken } from '../transport/token.ts'
import { certifyIssuer, createKeys, type NewKeys } from './authority.ts'
import type { DataFolder } from './folder.ts'
import { makeFolder, type MadeNode, type NewNode, type NewNodeOptions } from './newFolder.ts'
import { checkIdentity } from './papers.ts'

export interface JoinOptions extends NewNodeOptions {
  readonly signal: AbortSignal
  readonly clock?: Clock
}

export interface Joined extends MadeNode {
  /** Who invited it, by name, and where that was. */
  readonly inviter: string
  readonly address: string
}

/**
 * Makes this folder's node a member of the swarm that invited it. Its keys are made here and stay here. When
 * anything fails, or `signal` aborts, nothing is left.
 */
export async function joinSwarm(
  folder: DataFolder,
  tokenText: string,
  options: JoinOptions,
): Promise<Joined> {
  const { clock = systemClock, signal, name = hostname() } = options
  const token = parseToken(tokenText, clock.now())
  let told: Pick<Joined, 'inviter' | 'address'> | undefined
  const made = await makeFolder(folder, options, async () => {
    const keys = createKeys()
    const application = { keyPem: keys.own.keyPem, issuingKeyPem: keys.issuing.keyPem, name }
    const admitted = await applyTo(token, application, { clock, signal })
    const node = await nodeOf(admitted, keys, clock)
    signal.throwIfAborted()
    told = { inviter: admitted.inviter, address: admitted.address }
    return node
  })
  return { ...made, ...told! }
}

/** What was given, once it is certain that other members will accept it. */
async function nodeOf(admitted: Admitted, keys: NewKeys, clock: Clock): Promise<NewNode> {
  const { role, authorityPem, certificatePem, issuerPem, readSecret, address, peers, zone } =
    admitted
  const certified =
    role === 'issuer' && issuerPem !== undefined
      ? await certifyIssuer(keys, issuerPem)
      : { keyPem: keys.own.keyPem, certificatePem: certificatePem ?? '' }
  const vouched = checkIdentity(makeIdentity({ ...certified, authorityPem }), clock)
  if (vouched.role !== role || (role === 'storage') !== (readSecret === undefined)) {
    throw new DreyError('protocol', `it was not made a ${role} member as it was told`)
  }
  return { ...certified, authorityPem, readSecret, zone, peers: [...new Set([address, ...peers])] }
}
