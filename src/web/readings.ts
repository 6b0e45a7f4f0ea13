import assert from 'node:assert/strict'
import { formatAddress, type Address } from '../address/address.ts'
import { asBuffer, free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { Window } from '../base/flow.ts'
import type { FindBlob, Range } from '../folder/folder.ts'
import { segmentBytes } from '../manifest/node.ts'
import type { Blob } from '../node/get.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { Recent } from './recent.ts'
import { Turn } from './turn.ts'

const defaults = {
  turns: 3, // With that of strangers as many as the pool has slots: it does not grow.
  strangersTurns: 1, // Whoever comes with a link alone keeps nobody waiting who has the token.
  patienceMs: 500, // Longer than a hiccup; a slow reader holds a slot for so long at most.
  copiesBytes: 4 << 20, // What readers have in copies of their own, about: each has its part,
  pieceBytesMin: 16 << 10, // and so much at least;
  pieceBytesMax: 256 << 10, // more is no quicker.
  blobsKept: 4, // The opened root of a large blob takes 300 KB.
} as const

/** Who reads: somebody with the token, or with a link's key alone. */
export type Reader = 'trusted' | 'stranger'

export interface ReadingsParts {
  readonly node: Pick<Orchestrator, 'find' | 'read'>
  readonly clock: Clock
}

interface Wanted {
  readonly address: Address
  readonly key: Uint8Array | undefined
  readonly reader: Reader
  readonly signal: AbortSignal
}

/**
 * Reads blobs for any number of readers of any speed, in memory that hardly grows with their number. A few of
 * them have a turn, in which segments are gathered in the pool; what is handed out is a reader's own copy of a
 * piece. Who does not take it in time loses the turn, and with it the pool's memory, and waits for another one
 * when it has taken it: the segment is gathered anew then. While others wait, a turn is a segment long.
 */
export class Readings {
  readonly #parts: ReadingsParts
  readonly #turns: Record<Reader, Window> = {
    trusted: new Window(defaults.turns),
    stranger: new Window(defaults.strangersTurns),
  }
  readonly #blobs = new Recent<Blob>(defaults.blobsKept)
  #readers = 0

  constructor(parts: ReadingsParts) {
    this.#parts = parts
  }

  /** Finds blobs for one reader. What it reads of them comes in pieces, each its own until it asks for the next. */
  finder(reader: Reader, signal: AbortSignal): FindBlob {
    return async (address, key) => {
      const wanted = { address, key, reader, signal }
      const { size } = await this.#inTurn(wanted, (blob) => blob)
      return { address, size, read: (range) => this.#read(wanted, range) }
    }
  }

  async *#read(wanted: Wanted, range: Range): AsyncGenerator<Uint8Array> {
    const turns = this.#turns[wanted.reader]
    let room: Uint8Array = new Uint8Array()
    let wasLate = false
    this.#readers += 1
    try {
      for (let at = range.start; at < range.end;) {
        const isShort = wasLate || turns.isWanted
        const end = isShort ? Math.min(segmentEnd(at), range.end) : range.end
        await using turn = await this.#begin(wanted, { start: at, end })
        for (let isOver = false; !isOver && at < end;) {
          const part = await turn.next(this.#pieceBytes())
          assert.ok(part, `a blob ends at byte ${at}, before its end`)
          room = roomFor(part, room)
          at += part.length
          if (at === range.end) await turn.end() // What is left to do takes nothing but time.
          const settle = turn.wait()
          yield room.subarray(0, part.length)
          wasLate = settle()
          const isUsedUp = at === segmentEnd(at - 1) || turn.waitedMs > defaults.patienceMs
          isOver = wasLate || (turns.isWanted && isUsedUp)
        }
      }
    } finally {
      free(room)
      this.#readers -= 1
    }
  }

  #begin(wanted: Wanted, range: Range): Promise<Turn> {
    const { node, clock } = this.#parts
    const { signal, reader } = wanted
    const { patienceMs } = defaults
    return this.#inTurn(wanted, (blob, keep) => {
      const chunks = node.read(blob, range, { signal })
      keep()
      return new Turn({ chunks, clock, patienceMs, over: () => this.#turns[reader].give(1) })
    })
  }

  /** Waits for a turn and finds the blob; the turn is given back then, unless it is kept. */
  async #inTurn<T>(wanted: Wanted, work: (blob: Blob, keep: () => void) => T): Promise<T> {
    const { reader, signal } = wanted
    let isKept = false
    await this.#turns[reader].take(1, signal)
    try {
      return work(await this.#find(wanted), () => (isKept = true))
    } finally {
      if (!isKept) this.#turns[reader].give(1)
    }
  }

  async #find({ address, key, signal }: Wanted): Promise<Blob> {
    const name = `${formatAddress(address)}#${key ? asBuffer(key).toString('base64url') : ''}`
    const blob = this.#blobs.get(name) ?? (await this.#parts.node.find(address, key, { signal }))
    this.#blobs.set(name, blob)
    return blob
  }

  #pieceBytes(): number {
    const { copiesBytes, pieceBytesMin, pieceBytesMax } = defaults
    const fair = 2 ** Math.floor(Math.log2(copiesBytes / this.#readers)) // Segments are whole pieces.
    return Math.min(pieceBytesMax, Math.max(pieceBytesMin, fair))
  }
}

/** Where the segment ends in which a byte stands. */
function segmentEnd(at: number): number {
  return (Math.floor(at / segmentBytes) + 1) * segmentBytes
}

/** A copy of a part at the beginning of memory that is used again where it is large enough. */
function roomFor(part: Uint8Array, room: Uint8Array): Uint8Array {
  if (room.length < part.length || room.length > 2 * part.length) {
    free(room)
    room = new Uint8Array(part.length)
  }
  room.set(part)
  return room
}
