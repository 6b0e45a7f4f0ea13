import assert from 'node:assert/strict'
import { formatAddress, type Address } from '../address/address.ts'
import { asBuffer, free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { Window } from '../base/flow.ts'
import type { FindBlob, OpenBlob, Range } from '../folder/folder.ts'
import { segmentBytes } from '../manifest/node.ts'
import type { Blob } from '../node/get.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { Recent } from './recent.ts'
import { Turn } from './turn.ts'

const defaults = {
  turns: 3, // With that of strangers as many as the pool has slots: it does not grow.
  strangersTurns: 1, // Whoever comes with a link alone keeps nobody waiting who has the token.
  copiesBytes: 2 << 20, // What readers have in copies of their own, about: each has its part,
  pieceBytesMin: 16 << 10, // and so much at least;
  pieceBytesMax: 128 << 10, // more is no quicker.
  blobsKept: 4, // The opened root of a large blob takes 300 KB.
} as const

/** Who reads: somebody with the token, or with a link's key alone. */
export type Reader = 'trusted' | 'stranger'

export interface ReadingsParts {
  readonly node: Pick<Orchestrator, 'find' | 'read' | 'block'>
  readonly clock: Clock
}

/** Something that is read. It is opened anew in each turn: between turns nothing of it is in memory. */
interface Wanted {
  readonly reader: Reader
  readonly signal: AbortSignal
  readonly open: () => Promise<Source>
}

interface Source {
  readonly size: number
  readonly read: (range: Range) => AsyncGenerator<Uint8Array>
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

  /** How many read now. */
  get readers(): number {
    return this.#readers
  }

  /** Finds blobs for one reader. What it reads of them comes in pieces, each its own until it asks for the next. */
  finder(reader: Reader, signal: AbortSignal): FindBlob {
    const { node } = this.#parts
    return (address, key) => {
      const open = async () => {
        const blob = await this.#find(address, key, signal)
        return { size: blob.size, read: (range: Range) => node.read(blob, range, { signal }) }
      }
      return this.#opened(address, { reader, signal, open })
    }
  }

  /** A block as it is kept, for one reader, who reads it in the same way. */
  block(address: Address, reader: Reader, signal: AbortSignal): Promise<OpenBlob> {
    const open = async () => {
      const bytes = await this.#parts.node.block(address, { signal })
      return { size: bytes.length, read: (range: Range) => lent(bytes, range) }
    }
    return this.#opened(address, { reader, signal, open })
  }

  async #opened(address: Address, wanted: Wanted): Promise<OpenBlob> {
    const { size } = await this.#inTurn(wanted, (source) => source)
    return { address, size, read: (range) => this.#read(wanted, range) }
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
          const size = part.length
          room = roomFor(part, room)
          at += size
          if (at === range.end) await turn.end() // What is left to do takes nothing but time.
          turn.handed()
          yield room.subarray(0, size)
          turn.taken()
          wasLate = turn.isOver
          const isUsedUp = at === segmentEnd(at - 1) || turn.isUsedUp
          isOver = wasLate || (turns.isWanted && isUsedUp)
        }
      }
    } finally {
      free(room)
      this.#readers -= 1
    }
  }

  #begin(wanted: Wanted, range: Range): Promise<Turn> {
    const { clock } = this.#parts
    const turns = this.#turns[wanted.reader]
    return this.#inTurn(wanted, (source, keep) => {
      const chunks = source.read(range)
      keep()
      const isWanted = () => turns.isWanted
      return new Turn({ chunks, clock, isWanted, over: () => turns.give(1) })
    })
  }

  /** Waits for a turn and opens what is wanted; the turn is given back then, unless it is kept. */
  async #inTurn<T>(
    { reader, signal, open }: Wanted,
    work: (source: Source, keep: () => void) => T,
  ): Promise<T> {
    let isKept = false
    await this.#turns[reader].take(1, signal)
    try {
      return work(await open(), () => (isKept = true))
    } finally {
      if (!isKept) this.#turns[reader].give(1)
    }
  }

  async #find(address: Address, key: Uint8Array | undefined, signal: AbortSignal): Promise<Blob> {
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

/** A part of what nobody needs afterwards. */
async function* lent(bytes: Uint8Array, { start, end }: Range): AsyncGenerator<Uint8Array> {
  try {
    yield bytes.subarray(start, end)
  } finally {
    free(bytes)
  }
}
