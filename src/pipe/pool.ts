import assert from 'node:assert/strict'
import { scratchBytes } from '../coding/kernel.ts'
import { limits } from '../coding/code.ts'
import { range } from '../coding/matrix.ts'
import { shardAt, type Place } from './place.ts'
import { Rooms, type Room, type RoomWish } from './rooms.ts'

/** The largest block: a segment. Manifest nodes are smaller. */
export const blockBytesMax = 1 << 20

const page = 64 * 1024
/** Filling up the last data shard with zeros takes less than one byte a shard. */
const dataBytes = blockBytesMax + limits.shardsMax
/** A slot has room for a block and its parity; what is never touched costs no memory. */
const slotBytes = Math.ceil((dataBytes * limits.overheadMax) / page) * page

const defaults = {
  slots: 4, // Blocks in flight in the whole node: 1.5 MiB each with a code of 4 of 6.
  slotsMax: 64, // Every put and get has one slot for sure, so that none waits for ever for another.
  threadsMax: 16, // Each has a scratch area at the beginning of the memory.
} as const

/** Slots for a node with so many worker threads: each thread finds work while others are sent. */
export function slotsFor(threads: number): number {
  return defaults.slots + 3 * threads
}

/**
 * Memory that a node's threads share: blocks are read, sealed, coded and sent where they stand, and
 * nothing is copied from one thread to another. It is one shared WebAssembly memory, so that the coding
 * kernel works on it directly. Counted in slots; whoever wants more waits in turn.
 */
export class Pool {
  readonly memory: WebAssembly.Memory
  readonly slots: number
  readonly #rooms: Rooms
  readonly #waiting: Waiting[] = []
  #inUse = 0

  constructor(options: { slots?: number } = {}) {
    this.slots = options.slots ?? defaults.slots
    const slotsMax = Math.max(defaults.slotsMax, this.slots)
    const slotsAt = Math.ceil((defaults.threadsMax * scratchBytes) / page) * page
    const pages = (slotsAt + slotsMax * slotBytes) / page
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    this.#rooms = new Rooms(range(slotsMax).map((index) => slotsAt + index * slotBytes))
  }

  get inUse(): number {
    return this.#inUse
  }

  /**
   * One put or one get: its first slot is granted at once, more as others leave them. While nobody else has
   * any, it may have as many as `alone` says.
   */
  lane(alone = () => this.slots): Lane {
    return new Lane(alone, false, (...wish) => this.#take(...wish))
  }

  /** For work that nobody waits for: it takes its turn for its first slot too, and never makes the pool larger. */
  quietLane(): Lane {
    return new Lane(
      () => this.slots,
      true,
      (...wish) => this.#take(...wish),
    )
  }

  async #take(lane: Lane, signal?: AbortSignal, wish: RoomWish = {}): Promise<Slot> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Slot>()
    const entry = { lane, go: resolve, wish }
    this.#waiting.push(entry)
    this.#grant()
    const abandon = () => {
      const at = this.#waiting.indexOf(entry)
      if (at < 0) return // It was granted in the same turn.
      this.#waiting.splice(at, 1)
      reject(signal!.reason as Error)
    }
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abandon)
    }
  }

  #grant(): void {
    for (let at = 0; at < this.#waiting.length && this.#rooms.areLeft;) {
      const { lane, go, wish } = this.#waiting[at]!
      const slots = lane.held === this.#inUse ? lane.alone() : this.slots
      if ((lane.isQuiet || lane.held > 0) && this.#inUse >= slots) {
        at += 1
        continue
      }
      this.#waiting.splice(at, 1)
      this.#inUse += 1
      lane.held += 1
      const room = this.#rooms.take(wish)
      const isThere = wish.holds !== undefined && room.holds === wish.holds
      go(new Slot(this.memory, this.#rooms, room, isThere, () => this.#leave(lane)))
    }
  }

  #leave(lane: Lane): void {
    lane.held -= 1
    this.#inUse -= 1
    this.#grant()
  }
}

interface Waiting {
  readonly lane: Lane
  readonly go: (slot: Slot) => void
  readonly wish: RoomWish
}

/** What one put or get holds of the pool. */
export class Lane {
  held = 0
  readonly alone: () => number
  readonly isQuiet: boolean
  readonly #take: Take

  constructor(alone: () => number, isQuiet: boolean, take: Take) {
    this.alone = alone
    this.isQuiet = isQuiet
    this.#take = take
  }

  /** Waits for a slot; it is one with what is wanted if that is in an unused one. Rejects with the signal's reason. */
  take(signal?: AbortSignal, wish?: RoomWish): Promise<Slot> {
    return this.#take(this, signal, wish)
  }
}

type Take = (lane: Lane, signal?: AbortSignal, wish?: RoomWish) => Promise<Slot>

/** Room for one block and its parity. What was in it before may still be there. */
export class Slot implements Place {
  /** Whether what was wanted is in it already. */
  readonly isThere: boolean
  readonly #memory: WebAssembly.Memory
  readonly #rooms: Rooms
  #room: Room
  #leave: (() => void) | undefined

  constructor(
    memory: WebAssembly.Memory,
    rooms: Rooms,
    room: Room,
    isThere: boolean,
    leave: () => void,
  ) {
    this.#memory = memory
    this.#rooms = rooms
    this.#room = room
    this.isThere = isThere
    this.#leave = leave
  }

  get dataAt(): number {
    return this.#room.start
  }

  get parityAt(): number {
    return this.#room.start + dataBytes
  }

  /** The first `size` bytes of the data: a segment, or its block. */
  data(size: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.dataAt, size)
  }

  shard(index: number, k: number, shardBytes: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, shardAt(this, index, k, shardBytes), shardBytes)
  }

  /** Whoever wanted it for little has more: the first `written` bytes stay, and may stand elsewhere from now on. */
  enlarge(written: number): void {
    this.#room = this.#rooms.exchange(this.#room, ({ start: from }, { start: to }) => {
      new Uint8Array(this.#memory.buffer).copyWithin(to, from, from + written)
    })
  }

  /**
   * Once is enough; nobody may use the slot's bytes afterwards. With `holds` whoever wants that finds it here, until
   * the slot is used for something else.
   */
  release(holds?: string): void {
    const leave = this.#leave
    if (leave === undefined) return
    this.#leave = undefined
    this.#rooms.giveBack(this.#room, holds)
    leave()
  }
}

/** The scratch area of one thread. Behind the last one the slots begin. */
export function scratchAt(thread: number): number {
  assert.ok(thread < defaults.threadsMax, `thread ${thread} of ${defaults.threadsMax}`)
  return thread * scratchBytes
}
