import { matches } from '../address/address.ts'
import { collect, equalBytes, type Bytes } from '../base/bytes.ts'
import { cryptInPlace } from '../crypto/ctr.ts'
import type { SegmentPart } from '../manifest/reader.ts'
import type { Pool } from '../pipe/pool.ts'
import { cut } from './cut.ts'

/**
 * How many bytes of a stream are the beginning of a blob, in whole segments: each is sealed as it was when it was
 * stored, and has to have the address that it has then. So a read that broke off goes on behind what is right.
 */
export async function beginningOf(
  segments: AsyncIterable<SegmentPart>,
  source: Bytes,
  { pool, signal }: { pool: Pool; signal: AbortSignal },
): Promise<number> {
  const parts = segments[Symbol.asyncIterator]()
  let right = 0
  for await (const { slot, size } of cut(source, pool.lane(), signal)) {
    try {
      const { value: part } = (await parts.next()) as { value?: SegmentPart }
      if (part?.size !== size) return right
      const bytes = slot.data(size)
      cryptInPlace(part.key, 0, bytes)
      if (!matches(part.address, bytes)) return right
      right += size
    } finally {
      slot.release()
    }
  }
  return right
}

/** The same of a blob that is in its root: all of it, or nothing. */
export async function beginningOfInline(data: Uint8Array, source: Bytes): Promise<number> {
  const bytes = await collect(upTo(source, data.length))
  return equalBytes(bytes, data) ? data.length : 0
}

async function* upTo(source: Bytes, bytesMax: number): AsyncGenerator<Uint8Array> {
  let left = bytesMax
  for await (const chunk of source) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}
