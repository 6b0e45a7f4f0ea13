import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where a node keeps what is its own. Everything in it is readable by its user alone. */
export class DataFolder {
  readonly path: string

  constructor(path: string) {
    this.path = resolve(path)
  }

  /** What is to be changed by people: JSON. */
  get config(): string {
    return join(this.path, 'config.json')
  }

  get identityKey(): string {
    return join(this.path, 'identity.key')
  }

  get certificate(): string {
    return join(this.path, 'identity.pem')
  }

  /** The swarm's authority, which every member trusts. */
  get authority(): string {
    return join(this.path, 'swarm.pem')
  }

  /** Admits new members; at the founder alone. */
  get authorityKey(): string {
    return join(this.path, 'swarm.key')
  }

  /** What lets an issuer that is not the founder admit others: the key, and its certificate with its chain. */
  get issuerKey(): string {
    return join(this.path, 'issuer.key')
  }

  get issuerCertificate(): string {
    return join(this.path, 'issuer.pem')
  }

  /** Invitations that an issuer has made: JSON, without their secrets. */
  get invites(): string {
    return join(this.path, 'invites.json')
  }

  /** The read secret; readers have it. */
  get readKey(): string {
    return join(this.path, 'read.key')
  }

  /** What members said of themselves, when this node last ran. */
  get members(): string {
    return join(this.path, 'members.list')
  }

  /** Who was evicted from the swarm. */
  get evictions(): string {
    return join(this.path, 'evictions.list')
  }

  /** Addresses that are announced from here, one a line. */
  get published(): string {
    return join(this.path, 'published.list')
  }

  /** How far reading everything is: JSON. */
  get scrub(): string {
    return join(this.path, 'scrub.json')
  }

  /** Which leases cover what is kept here, and those that this node made. */
  get leases(): string {
    return join(this.path, 'leases.db')
  }

  /** What was stored of which file of this machine: a cache. */
  get folderCache(): string {
    return join(this.path, 'folders.db')
  }

  /** What names mean, and have meant. */
  get names(): string {
    return join(this.path, 'names.db')
  }

  /** Shards. */
  get store(): string {
    return join(this.path, 'store')
  }

  /** What opens the HTTP door. */
  get httpToken(): string {
    return join(this.path, 'http-token')
  }

  /** Where commands speak to the running node. */
  get socket(): string {
    return join(this.path, 'drey.sock')
  }
}

/** `--data`, else `DREY_DATA`, else `.drey` at home. */
export function dataFolder(given?: string): DataFolder {
  return new DataFolder(given ?? process.env.DREY_DATA ?? join(homedir(), '.drey'))
}
