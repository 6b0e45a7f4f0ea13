/** Up to so much of a room is small: a file that fits into its root, a manifest's node. */
export const smallBytes = 128 * 1024

/**
 * Room for one block and its parity in a pool's memory. What was never touched costs nothing, and what was touched
 * once is never given back.
 */
export interface Room {
  readonly start: number
  /** How much of it was touched. */
  touched: 'nothing' | 'little' | 'all'
  /** What whoever had it last says is in it. */
  holds?: string
}

/** What somebody wants a room for. */
export interface RoomWish {
  /** Best of all, the one that holds this. */
  readonly holds?: string
  /** How much will be in it; as much as there can be when this is not said. */
  readonly bytes?: number
}

/**
 * The rooms that nobody uses. Small things are kept out of rooms that were touched as a whole: a hundred small files
 * and one large one under way at a time would make a hundred large rooms in the end.
 */
export class Rooms {
  readonly #unused: Room[] = []

  constructor(starts: readonly number[]) {
    // The last is taken first.
    for (const start of starts.toReversed()) this.#unused.push({ start, touched: 'nothing' })
  }

  get areLeft(): boolean {
    return this.#unused.length > 0
  }

  /**
   * The one that holds what is wanted; else one that was touched as far as it will be: the last one used, or what
   * holds the oldest thing; else one that was never touched; else any. There has to be one.
   */
  take({ holds, bytes = Infinity }: RoomWish): Room {
    const touched = bytes <= smallBytes ? 'little' : 'all'
    const isEmpty = (room: Room) => room.holds === undefined
    const ways: readonly (() => number)[] = [
      () => this.#unused.findIndex((room) => !isEmpty(room) && room.holds === holds),
      () => this.#unused.findLastIndex((room) => room.touched === touched && isEmpty(room)),
      () => this.#unused.findIndex((room) => room.touched === touched),
      () => this.#unused.findLastIndex((room) => room.touched === 'nothing'),
      () => this.#unused.findLastIndex(isEmpty),
      () => 0,
    ]
    const found = ways.map((way) => way()).find((at) => at >= 0)!
    const [room] = this.#unused.splice(found, 1) as [Room]
    if (room.touched !== 'all') room.touched = touched
    return room
  }

  /** A room for more, in exchange for one with little in it, whose first bytes `copy` takes along; or the same. */
  exchange(room: Room, copy: (from: Room, to: Room) => void): Room {
    const isUnused = this.#unused.some(({ touched }) => touched === 'all')
    if (room.touched === 'all' || !isUnused) {
      room.touched = 'all'
      return room
    }
    const larger = this.take({})
    copy(room, larger)
    this.giveBack(room)
    return larger
  }

  giveBack(room: Room, holds?: string): void {
    room.holds = holds
    this.#unused.push(room)
  }
}
