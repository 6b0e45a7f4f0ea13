import { formatAddress } from '../address/address.ts'
import { collect } from '../base/bytes.ts'
import type { OpenBlob } from '../folder/folder.ts'
import { isListing } from '../folder/listing.ts'
import { sampleBytes, typeOfBytes } from './mediaType.ts'
import { Recent } from './recent.ts'

/** What a blob is, as its first bytes say. */
export type Kind = { readonly isFolder: true } | { readonly isFolder: false; readonly type: string }

const kindsKept = 1_024 // A hundred bytes each: whoever seeks in a film asks often for the same one.

/** Says what blobs are, and remembers it. */
export class Kinds {
  readonly #known = new Recent<Kind>(kindsKept)

  async of(blob: OpenBlob): Promise<Kind> {
    const name = formatAddress(blob.address)
    const kind = this.#known.get(name) ?? (await look(blob))
    this.#known.set(name, kind)
    return kind
  }
}

async function look(blob: OpenBlob): Promise<Kind> {
  const end = Math.min(blob.size, sampleBytes)
  const start = end === 0 ? new Uint8Array() : await collect(blob.read({ start: 0, end }))
  if (isListing(start)) return { isFolder: true }
  return { isFolder: false, type: await typeOfBytes(start, end === blob.size) }
}
