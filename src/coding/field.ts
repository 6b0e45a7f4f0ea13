/** GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D) and the generator 2. */
const polynomial = 0x11d

const { exponents, logarithms } = makeTables()

function makeTables(): { exponents: Uint8Array; logarithms: Uint8Array } {
  const exponents = new Uint8Array(510)
  const logarithms = new Uint8Array(256)
  for (let power = 0, value = 1; power < 255; power++) {
    exponents[power] = exponents[power + 255] = value
    logarithms[value] = power
    value = value & 0x80 ? (value << 1) ^ polynomial : value << 1
  }
  return { exponents, logarithms }
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : exponents[logarithms[a]! + logarithms[b]!]!
}

/** `a` is not zero. */
export function inverse(a: number): number {
  return exponents[255 - logarithms[a]!]!
}

/** a to the power n; 0 to the power 0 is 1, as in the published matrix. */
export function power(a: number, n: number): number {
  if (n === 0) return 1
  return a === 0 ? 0 : exponents[(logarithms[a]! * n) % 255]!
}
