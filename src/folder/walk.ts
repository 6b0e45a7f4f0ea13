import type { Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { Folder, placeAt, type FindBlob, type OpenBlob } from './folder.ts'
import type { Entry } from './entry.ts'

/** Something below a folder, and where. */
export interface Below {
  readonly path: readonly Uint8Array[]
  readonly entry: Entry
}

export const depthMax = 1_024 // Paths of file systems have at most half as many names.

/** Everything below a folder, each folder before what is in it. In memory is a page for each folder above. */
export async function* walk(
  find: FindBlob,
  folder: Folder,
  path: readonly Uint8Array[] = [],
): AsyncGenerator<Below> {
  if (path.length > depthMax) throw new DreyError('bad-input', 'not a folder: it does not end')
  for await (const entry of folder.entries()) {
    const below = { path: [...path, entry.name], entry }
    yield below
    if (entry.type !== 'folder') continue
    const { folder: inner } = await placeAt(find, entry)
    yield* walk(find, inner!, below.path)
  }
}

/** A blob that an address stands for: itself, and, when it is a folder, all below it. */
export interface Part {
  readonly address: Address
  readonly size: number
}

/** The blobs that a blob stands for, itself first. What is in a folder twice comes twice. */
export async function* partsOf(find: FindBlob, blob: OpenBlob): AsyncGenerator<Part> {
  yield { address: blob.address, size: blob.size }
  const folder = await Folder.of(blob)
  if (folder === undefined) return
  for await (const { entry } of walk(find, folder)) {
    if (entry.type === 'symlink') continue
    // The size of a folder's listing is not in its entry: it is asked for like any other.
    yield { address: entry.link.address, size: entry.type === 'file' ? entry.size : Infinity }
  }
}
