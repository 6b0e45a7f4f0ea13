import type { Bytes } from '../base/bytes.ts'
import { segmentBytes } from '../manifest/node.ts'
import type { Lane, Slot } from '../pipe/pool.ts'
import { smallBytes } from '../pipe/rooms.ts'

/** A segment's plaintext, in the slot where it will be sealed. */
export interface Cut {
  readonly slot: Slot
  readonly size: number
  /** Whether the blob ends with it. */
  readonly last: boolean
}

/**
 * Cuts a stream into segments, wherever its chunks end. Each chunk has been copied when the next one is
 * asked for. Of an empty stream there is one empty segment; no other is empty. Whoever gets a segment
 * releases its slot.
 */
export async function* cut(source: Bytes, lane: Lane, signal: AbortSignal): AsyncGenerator<Cut> {
  let slot = await lane.take(signal, { bytes: smallBytes }) // Many a stream is short.
  let handedOver = false
  let size = 0
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      for (let at = 0; at < chunk.length;) {
        if (size === segmentBytes) {
          handedOver = true
          yield { slot, size, last: false }
          slot = await lane.take(signal)
          handedOver = false
          size = 0
        }
        const piece = chunk.subarray(at, at + segmentBytes - size)
        if (size <= smallBytes && size + piece.length > smallBytes) slot.enlarge(size)
        slot.data(segmentBytes).set(piece, size)
        size += piece.length
        at += piece.length
      }
    }
    handedOver = true
    yield { slot, size, last: true }
  } finally {
    if (!handedOver) slot.release()
  }
}
