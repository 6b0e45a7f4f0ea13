import type { FileHandle } from 'node:fs/promises'
import * as dagCbor from '@ipld/dag-cbor'
import { blake3 } from '../address/blake3.ts'
import { asBuffer, equalBytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { shardBytesOf } from '../coding/code.ts'
import { decodeLayout, encodeLayout, isShard, layoutId, type Layout } from '../coding/layout.ts'
import { errnoOf } from './errno.ts'
import { formatShardName } from './shardName.ts'
import type { Shard } from './store.ts'

/**
 * A shard's file says all about itself, so that a folder of them needs no index. Byte by byte, whole
 * numbers big-endian:
 *
 *     0       7   magic: 64 72 65 79 73 68 64, "dreyshd"
 *     7       1   version: 01
 *     8       4   H, bytes of the header; at most 16,384
 *     12      4   P, bytes of the payload
 *     16      H   header: DAG-CBOR list of the layout (its encoding, as one string of bytes) and the index
 *     16+H    16  checksum: the first 16 bytes of the BLAKE3 hash of everything before it
 *     32+H    P   payload: the shard, whose BLAKE3 hash stands in the layout at that index
 *
 * The file ends there. Its name is `<address>.<layout id>.<index>`, as the header says too. A new version
 * here is a new version in `store.json`: an older Drey does not open the store and take it all for rot.
 */
const magic = asBuffer(new TextEncoder().encode('dreyshd'))
const version = 1
const prefixBytes = 16
const checksumBytes = 16
const headerBytesMax = 16_384 // A layout of 256 shards takes half of it.

/** Enough for the heads of files of up to 26 shards a block; larger ones take a second read. */
const firstReadBytes = 1024

/** Everything that stands before the payload. */
export function encodeHead(layout: Layout, index: number): Uint8Array {
  const header = dagCbor.encode([encodeLayout(layout), index])
  const head = Buffer.alloc(prefixBytes + header.length + checksumBytes)
  magic.copy(head)
  head.writeUInt8(version, 7)
  head.writeUInt32BE(header.length, 8)
  head.writeUInt32BE(shardBytesOf(layout, layout.size), 12)
  head.set(header, prefixBytes)
  const checked = head.subarray(0, prefixBytes + header.length)
  head.set(checksumOf(checked), checked.length)
  return head
}

export interface Head {
  readonly layout: Layout
  readonly index: number
  /** Where the payload begins. */
  readonly headBytes: number
  readonly payloadBytes: number
}

/** Reads what stands before the payload. Throws 'corrupt' and says what is wrong. */
export function decodeHead(bytes: Uint8Array): Head {
  const file = asBuffer(bytes)
  const headBytes = headBytesOf(file)
  const checked = file.subarray(0, headBytes - checksumBytes)
  if (!equalBytes(checksumOf(checked), file.subarray(checked.length, headBytes))) {
    throw corrupt('its header does not match its checksum')
  }
  const { layout, index } = decodeHeader(checked.subarray(prefixBytes))
  const payloadBytes = file.readUInt32BE(12)
  if (payloadBytes !== shardBytesOf(layout, layout.size)) {
    throw corrupt('its length is not the one of its layout')
  }
  return { layout, index, headBytes, payloadBytes }
}

function decodeHeader(header: Uint8Array): { layout: Layout; index: number } {
  let fields: unknown[]
  let layout: Layout
  try {
    fields = dagCbor.decode<unknown[]>(header)
    layout = decodeLayout(fields[0] as Uint8Array)
  } catch (cause) {
    throw corrupt(`its header cannot be read: ${messageOf(cause)}`, cause)
  }
  const index = fields[1]
  if (typeof index !== 'number' || layout.shards[index] === undefined) {
    throw corrupt('its index is not one of its layout')
  }
  return { layout, index }
}

/**
 * Reads and verifies a whole file of `size` bytes: the payload goes straight into memory of its own.
 * Throws 'corrupt', with the reason, when it is not what the file's name promises, or when the disk cannot
 * read it: bytes in a bad sector are as lost as others that rotted.
 */
export async function readShardFile(
  handle: FileHandle,
  file: string,
  size: number,
): Promise<Shard> {
  const { layout, index, headBytes, payloadBytes } = await readHead(handle, file, size)
  const bytes = await read(handle, new Uint8Array(payloadBytes), headBytes)
  if (!isShard(layout, index, bytes)) throw corrupt('its payload does not match its hash')
  return { layout, index, bytes }
}

/** Reads what stands before the payload of a file of this name and size. Throws 'corrupt'. */
export async function readHead(handle: FileHandle, file: string, size: number): Promise<Head> {
  const first = await read(handle, Buffer.allocUnsafe(Math.min(size, firstReadBytes)), 0)
  const headBytes = headBytesOf(first, size)
  const head =
    headBytes <= first.length ? first : await read(handle, Buffer.allocUnsafe(headBytes), 0)
  const decoded = decodeHead(head)
  const { layout, index, payloadBytes } = decoded
  if (formatShardName({ block: layout.block, layout: layoutId(layout), index }) !== file) {
    throw corrupt('it is the file of another shard')
  }
  if (size !== headBytes + payloadBytes) {
    throw corrupt(`it has ${size} bytes instead of ${headBytes + payloadBytes}`)
  }
  return decoded
}

/** Checks the first 16 bytes, and that what they promise fits the file. */
function headBytesOf(file: Buffer, size = file.length): number {
  if (file.length < prefixBytes) throw corrupt(`it has ${file.length} bytes, too few for a header`)
  if (!file.subarray(0, magic.length).equals(magic)) throw corrupt('it is not a file of a shard')
  if (file[7] !== version) throw corrupt(`its version is ${file[7]}; this Drey reads ${version}`)
  const headerBytes = file.readUInt32BE(8)
  const headBytes = prefixBytes + headerBytes + checksumBytes
  if (headerBytes > headerBytesMax || headBytes > size) throw corrupt('its header is cut off')
  return headBytes
}

async function read<T extends Uint8Array>(handle: FileHandle, into: T, at: number): Promise<T> {
  let done = 0
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, at + done).catch(unread)
    if (bytesRead === 0) throw corrupt('it ends too early')
    done += bytesRead
  }
  return into
}

function unread(cause: unknown): never {
  if (errnoOf(cause) !== 'EIO') throw cause
  throw corrupt('the disk cannot read all of it', cause)
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  return blake3.hash(bytes).subarray(0, checksumBytes)
}

function corrupt(why: string, cause?: unknown): DreyError {
  return new DreyError('corrupt', why, { cause })
}
