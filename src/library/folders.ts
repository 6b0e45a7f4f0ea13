import { basename, resolve } from 'node:path'
import { formatAddress } from '../address/address.ts'
import { formatLink } from '../address/link.ts'
import type { Entry } from '../folder/entry.ts'
import type { Folder } from '../folder/folder.ts'
import { walk } from '../folder/walk.ts'
import type { BatchOutcome } from '../gateway/batch.ts'
import { finderThrough } from '../gateway/blobClient.ts'
import { fetchFolder, storeFolder } from '../gateway/folderClient.ts'
import { folderAt } from '../gateway/place.ts'
import { resolve as resolveReference } from '../gateway/reference.ts'
import type { Asker } from './asker.ts'
import type { Reference } from './drey.ts'
import type { EntriesOptions, GetFolderOptions, PutFolderOptions } from './options.ts'
import { forMs, queryOf } from './words.ts'

/** What became of a folder that was put. */
export interface PutFolderReply {
  /** What names it, and is the same whoever stores the same folder in this swarm. */
  readonly address: string
  /** What reads it, and all below it, without the read secret. */
  readonly link: string
  /** Bytes of all files in it. */
  readonly size: number
  /** How many things are in it, at any depth. */
  readonly count: number
  /** What could not be read and is not stored, by its path, and why. All else is. */
  readonly failed: readonly FailedEntry[]
  /** What was stored anew, and how it is now; absent when nothing had changed and all of it was wanted already. */
  readonly receipt?: BatchOutcome
}

/** Something that was left out of a folder that was stored. */
export interface FailedEntry {
  /** Where it is on this machine. */
  readonly path: string
  /** What the file system says. */
  readonly why: string
}

/** What a folder that was got has come to. */
export interface GetFolderReply {
  /** How many files were written. */
  readonly files: number
  /** Bytes of them. */
  readonly bytes: number
}

/** What all things in a folder have. */
export interface CommonEntry {
  /** It never leads out of the folder. Where it is not UTF-8, a replacement character stands; see `nameBytes`. */
  readonly name: string
  /** The name, exactly. */
  readonly nameBytes: Uint8Array
  /** Where it is below the folder that was asked for: names with "/" between. */
  readonly path: string
  /** The twelve bits of permissions, as chmod has them. */
  readonly mode: number
  /** When it was changed last. */
  readonly modified: Date
}

/** A file in a folder. */
export interface FileEntry extends CommonEntry {
  /** It is a file. */
  readonly type: 'file'
  /** Of its content. */
  readonly address: string
  /** What reads it without the read secret. */
  readonly link: string
  /** Bytes. */
  readonly size: number
}

/** A folder in a folder. */
export interface SubfolderEntry extends CommonEntry {
  /** It is a folder. */
  readonly type: 'folder'
  /** Of its listing. */
  readonly address: string
  /** What reads it, and all below it, without the read secret. */
  readonly link: string
  /** Bytes of all files in it. */
  readonly size: number
  /** How many things are in it, at any depth. */
  readonly count: number
}

/** A symbolic link in a folder. Nobody follows it. */
export interface SymlinkEntry extends CommonEntry {
  /** It is a symbolic link. */
  readonly type: 'symlink'
  /** Where it leads, as it was written: it may be anything. */
  readonly target: string
}

/** One thing in a folder. */
export type FolderEntry = FileEntry | SubfolderEntry | SymlinkEntry

/** Stores a folder of this machine. `cache`: the file that says what was stored before. */
export async function putFolder(
  asker: Asker,
  path: string,
  { cache, ...options }: PutFolderOptions & { cache: string },
): Promise<PutFolderReply> {
  const { hash, code, expires, isLeftOut, onProgress = () => {} } = options
  const whole = resolve(path)
  const query = queryOf({
    name: options.name ?? basename(whole),
    hash,
    code,
    lease: forMs(expires),
  })
  const signal = asker.until(options)
  signal.throwIfAborted()
  let bytes = 0
  const passed = (size: number) => onProgress((bytes += size))
  const asked = { query, cache, isLeftOut, passed, hash, signal }
  const { stored, outcome } = await storeFolder(asker.door, whole, asked)
  const { size, count, failed } = stored
  return {
    ...{ address: formatAddress(stored.address), link: formatLink(stored), size, count, failed },
    ...(outcome && { receipt: outcome }),
  }
}

/** Writes a stored folder to this machine. */
export async function getFolder(
  asker: Asker,
  reference: Reference,
  path: string,
  options: GetFolderOptions,
): Promise<GetFolderReply> {
  const { keepsSetId, onProgress = () => {} } = options
  const folder = await folderOf(asker, reference, options)
  let bytes = 0
  const passed = (size: number) => onProgress((bytes += size))
  const asked = { signal: asker.until(options), passed, keepsSetId }
  return fetchFolder(asker.door, folder, resolve(path), asked)
}

/** What is in a folder, or all that is below it. */
export async function* entries(
  asker: Asker,
  reference: Reference,
  options: EntriesOptions,
): AsyncGenerator<FolderEntry> {
  const folder = await folderOf(asker, reference, options)
  if (options.deep) {
    const find = finderThrough(asker.door, asker.until(options))
    for await (const { path, entry } of walk(find, folder)) yield shown(entry, path)
  } else {
    for await (const entry of folder.entries()) yield shown(entry, [entry.name])
  }
}

async function folderOf(
  asker: Asker,
  reference: Reference,
  options: EntriesOptions,
): Promise<Folder> {
  const signal = asker.until(options)
  signal.throwIfAborted()
  const resolved = await resolveReference(asker.door, reference, { signal })
  return folderAt(finderThrough(asker.door, signal), resolved)
}

function shown(entry: Entry, path: readonly Uint8Array[]): FolderEntry {
  const { name: nameBytes, mode, modified } = entry
  const ms = modified.seconds * 1_000 + modified.nanoseconds / 1e6
  const common = {
    ...{ name: textOf(nameBytes), nameBytes, path: path.map(textOf).join('/'), mode },
    modified: new Date(ms),
  }
  if (entry.type === 'symlink') return { ...common, type: 'symlink', target: textOf(entry.target) }
  const { link, size } = entry
  const blob = { address: formatAddress(link.address), link: formatLink(link), size }
  if (entry.type === 'file') return { ...common, type: 'file', ...blob }
  return { ...common, type: 'folder', ...blob, count: entry.count }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
