import { randomBytes } from 'node:crypto'

/** Chance, handed in. Not for keys: those come from `node:crypto` alone. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  bytes(size: number): Uint8Array
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (size) => new Uint8Array(randomBytes(size)),
}

/** The same chance every time, from one seed: sfc32 (Chris Doty-Humphrey, PractRand). */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [0x9e3779b9, seed | 0, (seed / 2 ** 32) | 0, 1]
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) next() // Mixes the seed in.
  return {
    fraction: () => next() / 2 ** 32,
    bytes: (size) => {
      const words = new Uint32Array(Math.ceil(size / 4)).map(next)
      return new Uint8Array(words.buffer, 0, size).slice()
    },
  }
}

/** A whole number in [from, below). */
export function between(random: Random, from: number, below: number): number {
  return from + Math.floor(random.fraction() * (below - from))
}
