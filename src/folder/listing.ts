import { concat, equalBytes, type Bytes } from '../base/bytes.ts'
import { decodeAttributes, decodeEntry, encodeAttributes } from './entry.ts'
import { refuse, type Attributes, type Entry } from './entry.ts'

/**
 * A listing is what a folder's blob holds: pages of records, so that any page can be read alone. The first
 * page begins with the magic and the folder's own attributes; the others with an entry. A record has its
 * length before it, two bytes, high byte first; a length of zero ends the page. Entries are in the order of
 * the bytes of their names.
 */
export const pageBytes = 64 * 1024

/** A zero byte, "drey folder", a version, three zero bytes. */
export const magic = concat([Buffer.from('\0drey folder\x01'), new Uint8Array(3)])

const lengthBytes = 2

/** Whether these first bytes of a blob are those of a folder. */
export function isListing(start: Uint8Array): boolean {
  return start.length >= magic.length && equalBytes(start.subarray(0, magic.length), magic)
}

/** The bytes of a listing, page after page. The entries are encoded, and in order. */
export function* writeListing(
  attributes: Attributes,
  entries: Iterable<Uint8Array>,
): Generator<Uint8Array> {
  let page = new Uint8Array(pageBytes)
  page.set(magic)
  let at = put(page, magic.length, encodeAttributes(attributes))
  for (const record of entries) {
    if (at + lengthBytes + record.length > pageBytes) {
      yield page // What is left of it is zero: the page ends where a length would be.
      page = new Uint8Array(pageBytes)
      at = 0
    }
    at = put(page, at, record)
  }
  yield page.slice(0, at)
}

function put(page: Uint8Array, at: number, record: Uint8Array): number {
  new DataView(page.buffer).setUint16(at, record.length)
  page.set(record, at + lengthBytes)
  return at + lengthBytes + record.length
}

/** One page: its entries, and what it says of the folder itself when it is the first. Throws 'bad-input'. */
export function readPage(
  page: Uint8Array,
  index: number,
): { attributes?: Attributes; entries: Entry[] } {
  const records = recordsOf(page, index === 0 ? magic.length : 0)
  if (index > 0) return { entries: inOrder(Array.from(records, decodeEntry)) }
  if (!isListing(page)) throw refuse('it is a file')
  const { value: first } = records.next()
  if (first === undefined) throw refuse('it says nothing of itself')
  const attributes = decodeAttributes(first)
  return { attributes, entries: inOrder(Array.from(records, decodeEntry)) }
}

/** All pages of a listing that is read from its beginning. */
export async function* pagesOf(source: Bytes): AsyncGenerator<Uint8Array> {
  let page = new Uint8Array(pageBytes)
  let filled = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + pageBytes - filled)
      page.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < pageBytes) continue
      yield page
      page = new Uint8Array(pageBytes)
      filled = 0
    }
  }
  if (filled > 0) yield page.subarray(0, filled)
}

/** The order of names: that of their bytes. */
export function compareNames(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

function* recordsOf(page: Uint8Array, start: number): Generator<Uint8Array, undefined> {
  const view = new DataView(page.buffer, page.byteOffset, page.length)
  for (let at = start; at + lengthBytes <= page.length;) {
    const length = view.getUint16(at)
    if (length === 0) return
    at += lengthBytes
    if (at + length > page.length) throw refuse('an entry does not end')
    yield page.subarray(at, at + length)
    at += length
  }
}

function inOrder(entries: Entry[]): Entry[] {
  const isWrong = entries.some(
    ({ name }, at) => at > 0 && compareNames(entries[at - 1]!.name, name) >= 0,
  )
  if (isWrong) throw refuse('its entries are not in order')
  return entries
}
