/** What bencode can say (BEP 3): whole numbers, bytes, lists and dictionaries. */
export type Bencoded = number | Uint8Array | Bencoded[] | Map<string, Bencoded>

const depthMax = 4 // A message's values are lists in a dictionary in a dictionary.
const itemsMax = 128
const digitsMax = 10

/**
 * Reads all of `bytes` as the one value that they are, in the one way to write it: keys ascend, and numbers
 * have no needless digits. So whoever reads the same bytes less strictly sees the same value. Throws an
 * error that says why not.
 */
export function readBencode(bytes: Uint8Array): Bencoded {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (!reader.isAtEnd) throw new Error('something follows its end')
  return value
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #items = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): Bencoded {
    if (depth > depthMax) throw new Error('it is too deep')
    if (++this.#items > itemsMax) throw new Error('it has too many parts')
    const first = this.#bytes[this.#at]
    if (first === letter.d) return this.#dictionary(depth)
    if (first === letter.l) return this.#list(depth)
    if (first !== letter.i) return this.#text()
    this.#at += 1
    return this.#number(letter.e)
  }

  #dictionary(depth: number): Map<string, Bencoded> {
    this.#at += 1
    const found = new Map<string, Bencoded>()
    let before = ''
    while (!this.#ends()) {
      const key = Buffer.from(this.#text()).toString('latin1')
      if (found.size > 0 && key <= before) throw new Error('its keys are not in order')
      found.set(key, this.value(depth + 1))
      before = key
    }
    return found
  }

  #list(depth: number): Bencoded[] {
    this.#at += 1
    const found: Bencoded[] = []
    while (!this.#ends()) found.push(this.value(depth + 1))
    return found
  }

  /** Whether a list or dictionary ends here, and if it does, goes behind it. */
  #ends(): boolean {
    if (this.#bytes[this.#at] !== letter.e) return false
    this.#at += 1
    return true
  }

  #text(): Uint8Array {
    const size = this.#number(letter.colon)
    const end = this.#at + size
    if (end > this.#bytes.length) throw new Error('it is cut off')
    const text = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return text
  }

  /** Digits up to `end`. None of the DHT's numbers is below zero. */
  #number(end: number): number {
    const from = this.#at
    let value = 0
    for (;;) {
      const digit = this.#bytes[this.#at]
      this.#at += 1
      if (digit === end) break
      if (digit === undefined || digit < letter.zero || digit > letter.nine)
        throw new Error('a number is none')
      value = value * 10 + digit - letter.zero
    }
    const digits = this.#at - 1 - from
    if (digits === 0 || digits > digitsMax || (digits > 1 && this.#bytes[from] === letter.zero))
      throw new Error('a number is none')
    return value
  }
}

const letter = { d: 0x64, e: 0x65, i: 0x69, l: 0x6c, colon: 0x3a, zero: 0x30, nine: 0x39 } as const
