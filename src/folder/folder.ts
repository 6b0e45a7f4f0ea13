import type { Address } from '../address/address.ts'
import type { Bytes } from '../base/bytes.ts'
import { collect } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { compareNames, pageBytes, pagesOf, readPage } from './listing.ts'
import { isListing } from './listing.ts'
import { refuse, type Attributes, type Entry } from './entry.ts'

/** From where, up to but not including where. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A blob that was found, and can be read. A chunk is its reader's until it asks for the next one. */
export interface OpenBlob {
  readonly address: Address
  readonly size: number
  read(range: Range): Bytes
}

/** Finds blobs. Without a key it takes the read secret. Throws what `Orchestrator.find` throws. */
export type FindBlob = (address: Address, key?: Uint8Array) => Promise<OpenBlob>

/** A folder that is stored: a blob that is a listing. */
export class Folder {
  readonly blob: OpenBlob
  readonly attributes: Attributes

  private constructor(blob: OpenBlob, attributes: Attributes) {
    this.blob = blob
    this.attributes = attributes
  }

  /** The folder that a blob is; `undefined` when it is a file. Throws 'bad-input' when it is a broken one. */
  static async of(blob: OpenBlob): Promise<Folder | undefined> {
    const page = await readRange(blob, 0)
    if (!isListing(page)) return undefined
    return new Folder(blob, readPage(page, 0).attributes!)
  }

  /** Everything in it, in the order of names, a page in memory at a time. Throws 'bad-input'. */
  async *entries(): AsyncGenerator<Entry> {
    let index = 0
    let last: Entry | undefined
    for await (const page of pagesOf(this.blob.read({ start: 0, end: this.blob.size }))) {
      const { entries } = readPage(page, index++)
      const [first] = entries
      if (first && last && compareNames(last.name, first.name) >= 0)
        throw refuse('its entries are not in order')
      yield* entries
      last = entries.at(-1) ?? last
    }
  }

  /** The thing of that name: reads about log2 of the pages. */
  async find(name: Uint8Array): Promise<Entry | undefined> {
    let [low, high] = [0, Math.ceil(this.blob.size / pageBytes) - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const [first] = await this.#page(middle)
      if (first === undefined) throw refuse('a page is empty')
      if (compareNames(first.name, name) <= 0) low = middle
      else high = middle - 1
    }
    return (await this.#page(low)).find((entry) => compareNames(entry.name, name) === 0)
  }

  async #page(index: number): Promise<Entry[]> {
    return readPage(await readRange(this.blob, index), index).entries
  }
}

/** What stands at a path: a blob of a file or folder, or an entry that is a symbolic link. */
export interface Place {
  /** `undefined` for what the path begins at. */
  readonly entry?: Entry
  readonly blob?: OpenBlob
  /** When it is a folder. */
  readonly folder?: Folder
}

/** Walks down a path from a blob. Throws 'not-found' when nothing is there, 'bad-input' when a file is on the way. */
export async function placeOf(
  find: FindBlob,
  root: OpenBlob,
  path: readonly Uint8Array[],
): Promise<Place> {
  let place: Place = { blob: root, folder: await Folder.of(root) }
  for (const [depth, name] of path.entries()) {
    const { folder } = place
    if (folder === undefined) {
      const what = depth === 0 ? 'the address' : `"${formatPath(path.slice(0, depth))}"`
      throw new DreyError('bad-input', `${what} is no folder: there is nothing below it`)
    }
    const entry = await folder.find(name)
    if (entry === undefined) {
      const what = formatPath(path.slice(0, depth + 1))
      throw new DreyError(
        'not-found',
        `there is no "${what}" in this folder: drey ls shows what is`,
      )
    }
    place = await placeAt(find, entry)
  }
  return place
}

/** What an entry stands for. */
export async function placeAt(find: FindBlob, entry: Entry): Promise<Place> {
  if (entry.type === 'symlink') return { entry }
  const blob = await find(entry.link.address, entry.link.key)
  if (entry.type === 'file') return { entry, blob }
  const folder = await Folder.of(blob)
  if (folder === undefined) throw refuse('what it says is a folder is a file')
  return { entry, blob, folder }
}

/** "a/b/c" as names. Empty ones do not count: "a//b/" is "a/b". */
export function parsePath(text: string): Uint8Array[] {
  return text
    .split('/')
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name))
}

/** For people: what is not UTF-8, or would move a terminal's cursor, is shown as a question mark. */
export function formatPath(path: readonly Uint8Array[]): string {
  return path.map(formatName).join('/')
}

export function formatName(name: Uint8Array): string {
  return Buffer.from(name)
    .toString('utf8')
    .replace(/[\p{Cc}\uFFFD]/gu, '?')
}

async function readRange(blob: OpenBlob, index: number): Promise<Uint8Array> {
  const start = index * pageBytes
  return collect(blob.read({ start, end: Math.min(blob.size, start + pageBytes) }))
}
