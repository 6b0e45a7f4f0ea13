import type { CheckOptions, EntriesOptions, FindOptions, GetFolderOptions } from './options.ts'
import type { GetOptions, InviteOptions, KeepOptions, ListOptions, Options } from './options.ts'
import type { PutFolderOptions, PutOptions } from './options.ts'
import type { Content } from './content.ts'
import type { FolderEntry, GetFolderReply, PutFolderReply } from './folders.ts'
import type { Names } from './names.ts'
import type { Source } from './source.ts'
import type { FindReply, PutReply } from '../gateway/blobs.ts'
import type { DreyEvent } from '../gateway/events.ts'
import type { Invitation } from '../gateway/invites.ts'
import type { KeepReply, ListReply, RemoveReply } from '../gateway/leases.ts'
import type { MemberView } from '../gateway/members.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { Examination } from '../mend/examine.ts'

/**
 * What names a blob: its address (`b…`), its link (`drey:b…#…`), which can be read without the read secret, or a
 * name of the swarm's ({@link Drey.names}). Behind it may stand where in a folder: `photos/2026/oak.jpg`.
 */
export type Reference = string

/**
 * A node of a swarm, in hand: opened in this process by {@link openNode}, or running in another and spoken
 * to by {@link connect}. Both behave the same.
 *
 * - What fails, fails with a {@link DreyError}, whose `code` is for programs and whose `message` says what to
 *   do. What is given and cannot be understood is `bad-input`.
 * - Every method takes a `signal`. When it aborts, what is under way ends, and its promise rejects with the
 *   signal's reason.
 * - Bytes that do not match their address are never given to anyone.
 * - `await using` closes it. What is under way then, and what is asked afterwards, fails with `unreachable`.
 */
export interface Drey extends AsyncDisposable {
  /**
   * Stores a stream of any length, in memory that does not grow with it.
   *
   * When it has resolved, the shards of every block are synced to disk at `syncedOn` members, and any
   * `survives` of them may vanish. The node's lease on it holds until {@link Drey.remove}, or `expires`. What
   * is stored already is not stored again; its address is the same.
   *
   * A chunk of the source has been copied when the next one is asked for: its memory may be used again.
   * When the source throws, so does the put, with the same error.
   *
   * @param source bytes, text (as UTF-8), or a stream of bytes
   * @returns the address and the link, and what was achieved
   * @throws {@link DreyError} `no-read-secret` at a storage member, `not-enough-members`, `full`
   * @example
   * ```ts
   * import { createReadStream } from 'node:fs'
   *
   * const film = await node.put(createReadStream('film.mkv'), { name: 'film.mkv' })
   * console.log(film.address, film.summary)
   * ```
   */
  put(source: Source, options?: PutOptions): Promise<PutReply>

  /**
   * A blob's content, or a range of it. Nothing is asked before it is read, and it may be read again.
   *
   * @returns what can be read as chunks, as a stream, or whole
   * @throws {@link DreyError} `bad-input` at once, when `reference` is neither an address nor a link nor a name,
   * or the range is none
   * @example
   * ```ts
   * const text = await node.get(stored.address).text()
   *
   * for await (const chunk of node.get(stored.link)) console.log(chunk.length)
   * ```
   */
  get(reference: Reference, options?: GetOptions): Content

  /**
   * Bytes of a blob, in memory: from byte `start` up to and without byte `end`, or to the blob's end when that
   * comes before. Only the segments that these are in are fetched.
   *
   * @param start the first byte, from 0 on
   * @param end the first byte that is not wanted any more
   * @throws {@link DreyError} as reading does (see {@link Content}); `bad-input` when the blob ends before `start`
   * @example
   * ```ts
   * const head = await node.range(stored.address, 0, 16)
   * ```
   */
  range(
    reference: Reference,
    start: number,
    end: number,
    options?: Options,
  ): Promise<Uint8Array<ArrayBuffer>>

  /**
   * Whether a blob is there: enough shards of its root were found. {@link Drey.check} looks at every block.
   *
   * @example
   * ```ts
   * if (!(await node.has(stored.address))) console.log('nobody who is here has it')
   * ```
   */
  has(reference: Reference, options?: Options): Promise<boolean>

  /**
   * Who holds shards of a blob's root, and which way they were found: computed from the address, by asking
   * everyone, by the DHT. When nobody has any, no reply has shards.
   *
   * @example
   * ```ts
   * const { layers } = await node.find(stored.address)
   * for (const { replies } of layers) {
   *   for (const { name, shards } of replies) console.log(name, shards.length)
   * }
   * ```
   */
  find(reference: Reference, options?: FindOptions): Promise<FindReply>

  /**
   * Looks at every block of a blob, without a key. With `deep`, every shard is fetched and checked.
   *
   * @returns how many members may vanish, and which blocks are below what they should be, or lost
   * @throws {@link DreyError} `not-found`, `not-enough-shards` when even its manifest cannot be read
   * @example
   * ```ts
   * const { survives, lost } = await node.check(stored.address, { deep: true })
   * console.log(`any ${survives} members may vanish; ${lost} blocks are lost`)
   * ```
   */
  check(reference: Reference, options?: CheckOptions): Promise<Examination>

  /**
   * Makes a lease of this node on what is stored already, whoever stored it: it stays when the others do not
   * want it any more. It takes no key.
   *
   * @throws {@link DreyError} `not-found`, `not-enough-shards` when a block of it is lost; then nothing is leased
   * @example
   * ```ts
   * const month = new Date(Date.now() + 30 * 24 * 3_600_000)
   * const { blocks } = await node.keep(stored.address, { expires: month })
   * ```
   */
  keep(reference: Reference, options?: KeepOptions): Promise<KeepReply>

  /**
   * Ends this node's leases on a blob. What nobody else wants goes from all disks when its grace time is
   * over (a day, unless the holders' configs say otherwise); until then it can be read, and kept again.
   *
   * @throws {@link DreyError} `not-found` when this node has no lease on it
   * @example
   * ```ts
   * await node.remove(stored.address)
   * ```
   */
  remove(reference: Reference, options?: Options): Promise<RemoveReply>

  /**
   * Stores a folder of this machine with all that is in it, as one blob with one lease: modes, times and symbolic
   * links too. What has not changed since it was stored before is neither read nor sent; the node's data folder
   * remembers. What cannot be read is in `failed`, and all else is stored.
   *
   * @param path where it is
   * @throws {@link DreyError} as {@link Drey.put}; Node's own error when the folder itself cannot be read
   * @example
   * ```ts
   * const isLeftOut = (path: string) => path.endsWith('.tmp')
   * const { address, count, failed } = await node.putFolder('photos', { isLeftOut })
   * console.log(`${address}: ${count} things; ${failed.length} could not be read`)
   * ```
   */
  putFolder(path: string, options?: PutFolderOptions): Promise<PutFolderReply>

  /**
   * Writes a stored folder to this machine. Until all of it is there, it has a name of its own beside `path`; called
   * again, it goes on with what that has. Nothing is written outside it.
   *
   * @param path a folder that is not there yet, or empty
   * @throws {@link DreyError} as reading does (see {@link Content}); `bad-input` when it is no folder, or `path` is
   * not empty; `cannot-write`
   * @example
   * ```ts
   * const { files } = await node.getFolder(photos.address, 'photos-back')
   * ```
   */
  getFolder(reference: Reference, path: string, options?: GetFolderOptions): Promise<GetFolderReply>

  /**
   * What is in a folder, in the order of names, or with `deep` all that is below it: told as it is read, however
   * much that is. A file of it is read by its `address`, or by its path: `node.get('photos/2026/oak.jpg')`.
   *
   * @throws {@link DreyError} `bad-input` when it is no folder
   * @example
   * ```ts
   * for await (const entry of node.entries(photos.address, { deep: true })) {
   *   if (entry.type === 'file') console.log(entry.path, entry.size, entry.modified)
   * }
   * ```
   */
  entries(reference: Reference, options?: EntriesOptions): AsyncIterable<FolderEntry>

  /** The swarm's names for what is stored. */
  readonly names: Names

  /**
   * What was stored from this node, or is kept by it: the latest first, 10,000 at most, unless told otherwise.
   *
   * @example
   * ```ts
   * const { blobs, total } = await node.list({ search: 'holiday', sort: 'size', limit: 20 })
   * for (const { name, size, address } of blobs) console.log(name, size, address)
   * ```
   */
  list(options?: ListOptions): Promise<ListReply>

  /**
   * How the node is: what it holds, how it is reached, what it is mending.
   *
   * @example
   * ```ts
   * const { name, free, members } = await node.status()
   * console.log(`${name} is connected to ${members.length}, and has room for ${free} bytes`)
   * ```
   */
  status(options?: Options): Promise<NodeStatus>

  /**
   * The swarm's members as this node sees them, itself first, then by name.
   *
   * @example
   * ```ts
   * for (const { name, state } of await node.members()) console.log(name, state)
   * ```
   */
  members(options?: Options): Promise<readonly MemberView[]>

  /**
   * Resolves when so many members are here, this node among them: at once, or when they have come. A put made
   * then is coded for that many.
   *
   * @param count from 1 on
   * @returns those who are here
   * @example
   * ```ts
   * const members = await node.whenLive(1, { signal: AbortSignal.timeout(60_000) })
   * ```
   */
  whenLive(count: number, options?: Options): Promise<readonly MemberView[]>

  /**
   * Invites a machine: whoever has the token can join while this node runs and is reached. Only an issuer can.
   *
   * @returns the token, which is shown this once, and what it is good for
   * @throws {@link DreyError} `not-allowed` when this node is no issuer
   * @example
   * ```ts
   * const { token } = await node.invite({ role: 'storage', zone: 'garden' })
   * ```
   */
  invite(options?: InviteOptions): Promise<Invitation>

  /**
   * Tells of members that come and go, of what rotted, and of what is mended: first what is, then what changes.
   * Whoever is slow misses what came and went meanwhile; what is, is always told. It ends when the
   * node is closed here, and throws `unreachable` when a node in another process ends.
   *
   * @example
   * ```ts
   * for await (const event of node.events()) {
   *   if (event.type === 'member') console.log(event.member.name, event.member.state)
   *   if (event.type === 'rot') console.log(`a shard of ${event.block} had rotted`)
   *   if (event.type === 'mend') break // Whoever leaves is told no more.
   * }
   * ```
   */
  events(options?: Options): AsyncIterable<DreyEvent>
}
