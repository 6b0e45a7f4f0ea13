import { formatAddress } from '../address/address.ts'
import { parseName } from '../address/name.ts'
import { keyHeader } from '../gateway/blobClient.ts'
import type { NameReply, SetNameReply, VersionReply } from '../gateway/names.ts'
import type { Asker } from './asker.ts'
import type { Reference } from './drey.ts'
import type { Options } from './options.ts'
import { queryOf } from './words.ts'

/**
 * Names that every reader of the swarm can set and use in place of an address: whoever sets one last, has it. The
 * others hear of it at once when they are here, and otherwise when they come. A name keeps nothing: what it means
 * stays as long as somebody has a lease on it ({@link Drey.keep}).
 *
 * Each method fails with `bad-input` when the name is none (1 to 255 bytes, no `/`, nothing that looks like an
 * address), and with `no-read-secret` at a storage member.
 *
 * @example
 * ```ts
 * await node.names.set('film', stored.address)
 * console.log(await node.get('film').size())
 * ```
 */
export interface Names {
  /** Sets what a name means. Throws 'full' when the swarm has as many as it may. */
  set(name: string, reference: Reference, options?: Options): Promise<SetNameReply>
  /** What a name means now. Throws 'not-found' when it is not set. */
  get(name: string, options?: Options): Promise<NameReply>
  /** What a name has meant, the latest first, as far as it is kept. Throws 'not-found' when nobody has ever set it. */
  log(name: string, options?: Options): Promise<readonly VersionReply[]>
  /** All names that are set, in their order. */
  list(options?: Options): Promise<readonly NameReply[]>
  /** From now on it means nothing. What it meant is kept as before. Throws 'not-found' when it is not set. */
  remove(name: string, options?: Options): Promise<SetNameReply>
  /** Sets a name to what it meant before it was changed last, or in the version that is given. */
  revert(name: string, options?: RevertOptions): Promise<SetNameReply>
}

/** What a name is set back to. */
export interface RevertOptions extends Options {
  /** One that {@link Names.log} tells of; without it, the latest that meant something else. */
  readonly version?: number
}

/** Names, asked of a node. */
export class DoorNames implements Names {
  readonly #asker: Asker

  constructor(asker: Asker) {
    this.#asker = asker
  }

  async set(name: string, reference: Reference, options: Options = {}): Promise<SetNameReply> {
    const { address, key } = await this.#asker.whole(reference, options)
    const query = queryOf({ address: formatAddress(address) })
    return this.#asker.read('PUT', pathOf(name), { ...options, query, headers: keyHeader({ key }) })
  }

  async get(name: string, options: Options = {}): Promise<NameReply> {
    return this.#asker.read('GET', pathOf(name), options)
  }

  async log(name: string, options: Options = {}): Promise<readonly VersionReply[]> {
    const query = queryOf({ log: '' })
    const asked = { ...options, query }
    return (await this.#asker.read<{ versions: VersionReply[] }>('GET', pathOf(name), asked))
      .versions
  }

  async list(options: Options = {}): Promise<readonly NameReply[]> {
    return (await this.#asker.read<{ names: NameReply[] }>('GET', '/names', options)).names
  }

  async remove(name: string, options: Options = {}): Promise<SetNameReply> {
    return this.#asker.read('DELETE', pathOf(name), options)
  }

  async revert(name: string, { version, ...options }: RevertOptions = {}): Promise<SetNameReply> {
    return this.#asker.read('PUT', pathOf(name), { ...options, query: queryOf({ version }) })
  }
}

/** Throws 'bad-input': what is no name would be another path. */
function pathOf(name: string): string {
  return `/name/${parseName(name)}`
}
