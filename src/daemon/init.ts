import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { DreyError } from '../base/error.ts'
import { keyBytes } from '../crypto/keys.ts'
import { readKeyFile } from '../crypto/keyfile.ts'
import { createAuthority, issue, issueAuthority, type Authority } from '../transport/authority.ts'
import { createKey } from '../transport/identity.ts'
import type { Role } from '../transport/transporter.ts'
import { certifyIssuer, createKeys, readAuthority } from './authority.ts'
import { parseListen, readConfig } from './config.ts'
import type { DataFolder } from './folder.ts'
import { makeFolder, type MadeNode, type NewNodeOptions } from './newFolder.ts'

/** Founds a swarm: its authority, its read secret, and this folder's node, its first member and issuer. */
export async function foundSwarm(folder: DataFolder, options: NewNodeOptions): Promise<MadeNode> {
  return makeFolder(folder, options, async () => {
    const authority = await createAuthority(`swarm of ${options.name ?? hostname()}`)
    const { keyPem, publicKeyPem } = createKey()
    return {
      keyPem,
      certificatePem: await issue(authority, publicKeyPem, { role: 'issuer' }),
      authorityPem: authority.certificatePem,
      authority,
      readSecret: randomBytes(keyBytes),
      peers: [],
    }
  })
}

/**
 * Makes another node of the swarm whose founder's or issuer's folder is on this machine: its certificate is
 * signed with the key there. A reader gets the read secret; a storage member never does.
 */
export async function initWith(
  folder: DataFolder,
  inviter: DataFolder,
  role: Role,
  options: NewNodeOptions & { founderPassphrase?: string },
): Promise<MadeNode> {
  const { founderPassphrase: passphrase } = options
  const authority = await readAuthority(inviter, passphrase)
  if (authority === undefined) {
    throw new DreyError(
      'bad-input',
      `${inviter.path} is not the folder of a swarm's founder or issuer`,
    )
  }
  const { listen } = await readConfig(inviter)
  return makeFolder(folder, options, async () => ({
    ...(await certify(authority, role)),
    authorityPem: await readFile(inviter.authority, 'utf8'),
    readSecret: role === 'storage' ? undefined : await readKeyFile(inviter.readKey, passphrase),
    peers: reachable(listen),
  }))
}

async function certify(authority: Authority, role: Role) {
  const keys = createKeys()
  const { id, own, issuing } = keys
  if (role === 'issuer') {
    return certifyIssuer(
      keys,
      await issueAuthority(authority, issuing.publicKeyPem, { member: id }),
    )
  }
  return { keyPem: own.keyPem, certificatePem: await issue(authority, own.publicKeyPem, { role }) }
}

/** Where it is reached from the same machine: nowhere, when it only dials out. */
function reachable(listen: string): string[] {
  if (parseListen(listen).port === undefined) return []
  return [listen.replace(/^(0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')]
}
