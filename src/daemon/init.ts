import { randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, statfs, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { DreyError } from '../base/error.ts'
import { keyBytes } from '../crypto/keys.ts'
import { readKeyFile, writeKeyFile, writePrivately } from '../crypto/keyfile.ts'
import { createAuthority, issue, type Authority } from '../transport/authority.ts'
import { createKey, makeIdentity } from '../transport/identity.ts'
import type { Role } from '../transport/transporter.ts'
import { configDefaults, readConfig, writeConfig } from './config.ts'
import type { DataFolder } from './folder.ts'

export interface InitOptions {
  readonly name?: string
  readonly listen?: string
  readonly peers?: readonly string[]
  readonly capacity?: number
  readonly passphrase?: string
}

export interface Initialized {
  readonly id: string
  readonly role: Role
  readonly name: string
}

/** Founds a swarm: its authority, its read secret, and this folder's node as the first member. */
export async function foundSwarm(folder: DataFolder, options: InitOptions): Promise<Initialized> {
  await makeFolder(folder)
  const { passphrase } = options
  const authority = await createAuthority(`swarm of ${options.name ?? hostname()}`)
  await writeKeyFile(folder.authorityKey, Buffer.from(authority.keyPem), passphrase)
  await writeKeyFile(folder.readKey, randomBytes(keyBytes), passphrase)
  return admit(folder, authority, 'reader', options)
}

/**
 * Makes another node of the swarm whose founder's folder is on this machine: its certificate is signed
 * with the key there. A reader gets the read secret; a storage member never does.
 */
export async function initWith(
  folder: DataFolder,
  founder: DataFolder,
  role: Role,
  options: InitOptions & { founderPassphrase?: string },
): Promise<Initialized> {
  const authority = await openAuthority(founder, options.founderPassphrase)
  const config = await readConfig(founder)
  await makeFolder(folder)
  if (role === 'reader') {
    const secret = await readKeyFile(founder.readKey, options.founderPassphrase)
    await writeKeyFile(folder.readKey, secret, options.passphrase)
  }
  const peers = options.peers ?? [reachable(config.listen)]
  return admit(folder, authority, role, { ...options, peers })
}

async function admit(
  folder: DataFolder,
  authority: Authority,
  role: Role,
  options: InitOptions,
): Promise<Initialized> {
  const { keyPem, publicKeyPem } = createKey()
  const certificatePem = await issue(authority, publicKeyPem, { role })
  const identity = makeIdentity({ keyPem, certificatePem, authorityPem: authority.certificatePem })
  await writeKeyFile(folder.identityKey, Buffer.from(keyPem), options.passphrase)
  await writePrivately(folder.certificate, certificatePem)
  await writePrivately(folder.authority, authority.certificatePem)
  const name = options.name ?? hostname()
  // Last: a folder with a config is a whole one.
  await writeConfig(folder, {
    version: 1,
    name,
    listen: options.listen ?? configDefaults.listen,
    peers: options.peers ?? [],
    capacity: options.capacity ?? (await diskSize(folder)),
    freeFloor: configDefaults.freeFloor,
    threads: configDefaults.threads,
  })
  return { id: identity.id, role, name }
}

async function openAuthority(founder: DataFolder, passphrase?: string): Promise<Authority> {
  const exists = await stat(founder.authorityKey).catch(() => undefined) // Absence is the answer.
  if (exists === undefined) {
    throw new DreyError('bad-input', `${founder.path} is not the folder of a swarm's founder`)
  }
  const key = await readKeyFile(founder.authorityKey, passphrase)
  const certificatePem = await readFile(founder.authority, 'utf8')
  return { keyPem: Buffer.from(key).toString('utf8'), certificatePem }
}

async function makeFolder(folder: DataFolder): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 })
  const there = await readdir(folder.path)
  if (there.length > 0) {
    throw new DreyError('bad-input', `${folder.path} is not empty: nothing was changed in it`)
  }
}

async function diskSize(folder: DataFolder): Promise<number> {
  const { blocks, bsize } = await statfs(folder.path)
  return blocks * bsize
}

/** Where a node that listens everywhere is reached from the same machine. */
function reachable(listen: string): string {
  return listen.replace(/^(0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')
}
