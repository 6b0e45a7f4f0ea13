import { formatAddress } from '../src/address/address.ts'
import type { Link } from '../src/address/link.ts'
import { collect, concat } from '../src/base/bytes.ts'
import type { ReadKeys } from '../src/crypto/keys.ts'
import { encodeEntry, type Attributes, type Entry } from '../src/folder/entry.ts'
import { writeListing } from '../src/folder/listing.ts'
import type { Listed } from '../src/lease/listed.ts'
import { encodeCatalog } from '../src/names/catalogRows.ts'
import { encodeEntrySaying } from '../src/names/entry.ts'
import { encodeCatalogValue, encodeNameValue, sealValue, slotOfName } from '../src/names/value.ts'

const nonce = Uint8Array.from({ length: 12 }, (_, index) => index)
const leaseSecret = Uint8Array.from({ length: 16 }, (_, index) => index)
const at = 1_790_000_000_000

/** What the page of formats shows of folders, names and catalogs, about the blob that it tells of. */
export async function treeBytes(
  link: Link,
  keys: ReadKeys,
): Promise<Record<string, () => Uint8Array>> {
  const slot = slotOfName(keys, 'nest')
  const value = encodeNameValue({ name: 'nest', address: link.address })
  const random = { bytes: () => nonce, fraction: () => 0 }
  const sealed = sealValue(keys, slot, value, random)
  const catalog = await collect(encodeCatalog([listedWith(link)]))
  return {
    listing: () => concat([...writeListing(attributes, entriesWith(link).map(encodeEntry))]),
    'name-value': () => value,
    'name-sealed': () => sealed,
    'name-saying': () => encodeEntrySaying({ slot, version: 2, at, value: sealed }),
    'catalog-value': () =>
      encodeCatalogValue({ address: link.address, count: 1, size: 28, lease: leaseSecret }),
    catalog: () => catalog,
  }
}

const attributes: Attributes = { mode: 0o755, modified: { seconds: 1_790_000_000, nanoseconds: 5 } }

function entriesWith(link: Link): Entry[] {
  const named = (name: string) => ({ ...attributes, name: Buffer.from(name) })
  return [
    { ...named('a'), type: 'folder', link, size: 28, count: 1 },
    { ...named('nest.txt'), mode: 0o644, type: 'file', link, size: 28 },
    { ...named('way'), mode: 0o777, type: 'symlink', target: Buffer.from('nest.txt') },
  ]
}

function listedWith({ address }: Link): Listed {
  const common = { address: formatAddress(address), secret: leaseSecret, made: at }
  return { ...common, expires: null, name: 'nest.txt', size: 28 }
}
