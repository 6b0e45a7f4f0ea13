import { mkdir, readdir, rm, rmdir, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { DreyError } from '../base/error.ts'
import { writeKeyFile, writePrivately } from '../crypto/keyfile.ts'
import type { Authority } from '../transport/authority.ts'
import { makeIdentity } from '../transport/identity.ts'
import type { Role } from '../transport/transporter.ts'
import { configDefaults, writeConfig } from './config.ts'
import type { DataFolder } from './folder.ts'

/** What people say about a node that is to be made. */
export interface NewNodeOptions {
  readonly name?: string
  readonly listen?: string
  readonly peers?: readonly string[]
  readonly capacity?: number
  readonly zone?: string
  /** Seals the key files. */
  readonly passphrase?: string
}

/** What makes it a member. */
export interface NewNode {
  readonly keyPem: string
  readonly certificatePem: string
  /** The swarm's certificate. */
  readonly authorityPem: string
  /** An issuer's; the founder's is the swarm's own. */
  readonly authority?: Authority
  /** A reader's. */
  readonly readSecret?: Uint8Array
  /** Where it finds members, and where it is, unless its options say. */
  readonly peers: readonly string[]
  readonly zone?: string
}

export interface MadeNode {
  readonly id: string
  readonly role: Role
  readonly name: string
}

/**
 * Makes the data folder of a new node, with what `gather` brings. A folder with a config is a whole one: it
 * is written last. When anything fails, the folder is as it was. Throws 'bad-input' when it is not empty.
 */
export async function makeFolder(
  folder: DataFolder,
  options: NewNodeOptions,
  gather: () => Promise<NewNode>,
): Promise<MadeNode> {
  const isOurs = (await mkdir(folder.path, { recursive: true, mode: 0o700 })) !== undefined
  const there = await readdir(folder.path)
  if (there.length > 0) {
    throw new DreyError('bad-input', `${folder.path} is not empty: nothing was changed in it`)
  }
  const written: string[] = []
  try {
    return await fill(folder, await gather(), options, written)
  } catch (error) {
    for (const path of written) await rm(path, { force: true }).catch(() => {}) // The first error tells.
    if (isOurs) await rmdir(folder.path).catch(() => {}) // Somebody else has put something into it.
    throw error
  }
}

/** Writes every file, and notes each one that is to go if anything fails. */
async function fill(
  folder: DataFolder,
  node: NewNode,
  options: NewNodeOptions,
  written: string[],
): Promise<MadeNode> {
  const { keyPem, certificatePem, authorityPem, authority, readSecret } = node
  const { passphrase, name = hostname() } = options
  const { id, role } = makeIdentity({ keyPem, certificatePem, authorityPem })
  const write = async (path: string, text: string) => {
    written.push(path)
    await writePrivately(path, text)
  }
  const writeKey = async (path: string, secret: Uint8Array) => {
    written.push(path)
    await writeKeyFile(path, secret, passphrase)
  }
  await writeKey(folder.identityKey, Buffer.from(keyPem))
  await write(folder.certificate, certificatePem)
  await write(folder.authority, authorityPem)
  if (readSecret !== undefined) await writeKey(folder.readKey, readSecret)
  if (authority !== undefined) {
    const isFounder = authority.certificatePem === authorityPem
    await writeKey(
      isFounder ? folder.authorityKey : folder.issuerKey,
      Buffer.from(authority.keyPem),
    )
    if (!isFounder) await write(folder.issuerCertificate, authority.certificatePem)
  }
  const zone = options.zone ?? node.zone
  written.push(folder.config)
  await writeConfig(folder, {
    ...{ version: 1, name },
    listen: options.listen ?? configDefaults.listen,
    peers: options.peers ?? node.peers,
    ...(zone ? { zone } : {}),
    capacity: options.capacity ?? (await diskSize(folder)),
    freeFloor: configDefaults.freeFloor,
    threads: configDefaults.threads,
  })
  return { id, role, name }
}

async function diskSize(folder: DataFolder): Promise<number> {
  const { blocks, bsize } = await statfs(folder.path)
  return blocks * bsize
}
