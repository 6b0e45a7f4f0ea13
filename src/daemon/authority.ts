import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readKeyFile } from '../crypto/keyfile.ts'
import { issue, type Authority } from '../transport/authority.ts'
import { createKey, peerIdOf } from '../transport/identity.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { DataFolder } from './folder.ts'
import type { NewNode } from './newFolder.ts'

/** What lets this folder's node admit others: the founder's key or an issuer's. `undefined` when it may not. */
export async function readAuthority(
  folder: DataFolder,
  passphrase?: string,
): Promise<Authority | undefined> {
  const isFounder = existsSync(folder.authorityKey)
  const path = isFounder ? folder.authorityKey : folder.issuerKey
  if (!existsSync(path)) return undefined
  const key = await readKeyFile(path, passphrase)
  const certificate = isFounder ? folder.authority : folder.issuerCertificate
  return {
    keyPem: Buffer.from(key).toString('utf8'),
    certificatePem: await readFile(certificate, 'utf8'),
  }
}

/** Keys of somebody who is to be a member: its own, and one to admit others with, should it be an issuer. */
export interface NewKeys {
  readonly id: PeerId
  readonly own: ReturnType<typeof createKey>
  readonly issuing: ReturnType<typeof createKey>
}

export function createKeys(): NewKeys {
  const own = createKey()
  return { id: peerIdOf(createPublicKey(own.publicKeyPem)), own, issuing: createKey() }
}

/** An issuer makes its certificate as a member itself, with its own authority. */
export async function certifyIssuer(
  { own, issuing }: NewKeys,
  issuerPem: string,
): Promise<Pick<NewNode, 'keyPem' | 'certificatePem' | 'authority'>> {
  const authority = { keyPem: issuing.keyPem, certificatePem: issuerPem }
  const certificatePem = await issue(authority, own.publicKeyPem, { role: 'issuer' })
  return { keyPem: own.keyPem, certificatePem, authority }
}
