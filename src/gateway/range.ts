import { DreyError } from '../base/error.ts'
import type { Range } from '../manifest/reader.ts'

/** What a Range header comes to: nothing that is understood, ranges with bytes in them, or none of that kind. */
export type Ranges = undefined | 'unsatisfiable' | readonly Range[]

const rangesMax = 32 // Of one request; readers of PDF and ZIP files ask for a handful.

/**
 * The ranges that a Range header asks for (RFC 9110, 14.1.2 and 14.2), in its order; where some overlap or
 * touch, they are joined and put in the blob's order. Other units, and what cannot be understood, are passed
 * over. 'unsatisfiable' when no range has a byte of the blob in it, or there are more than 32.
 */
export function parseRanges(header: string | undefined, size: number): Ranges {
  const set = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]
  if (set === undefined) return undefined
  const specs = set
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '')
  if (specs.length === 0) return undefined
  const ranges: Range[] = []
  for (const spec of specs) {
    const range = parseSpec(spec, size)
    if (range === undefined) return undefined
    if (range !== 'unsatisfiable') ranges.push(range)
  }
  if (ranges.length === 0 || specs.length > rangesMax) return 'unsatisfiable'
  return joined(ranges)
}

/**
 * The one range that a Range header asks for, or `undefined` for the whole: several at once are passed over, as
 * the RFC allows. Throws 'bad-input' when the range has no byte of the blob in it.
 */
export function parseRange(header: string | undefined, size: number): Range | undefined {
  if (header?.includes(',')) return undefined
  const ranges = parseRanges(header, size)
  if (ranges !== 'unsatisfiable') return ranges?.[0]
  throw new DreyError('bad-input', `"${header}" has no byte in it: the blob has ${size}`)
}

/** "0-499", "500-" or "-500". `undefined` when it is none of them: then the whole header is. */
function parseSpec(spec: string, size: number): Range | 'unsatisfiable' | undefined {
  const [, from, to] = /^(\d*)-(\d*)$/.exec(spec) ?? []
  if (from === undefined || to === undefined || spec === '-') return undefined
  if (from === '') {
    if (Number(to) === 0) return 'unsatisfiable'
    return { start: Math.max(0, size - Number(to)), end: size }
  }
  if (to !== '' && Number(to) < Number(from)) return undefined
  if (Number(from) >= size) return 'unsatisfiable'
  return { start: Number(from), end: to === '' ? size : Math.min(size, Number(to) + 1) }
}

function joined(ranges: readonly Range[]): readonly Range[] {
  const inOrder = ranges.toSorted((a, b) => a.start - b.start)
  const all: Range[] = []
  for (const { start, end } of inOrder) {
    const last = all.at(-1)
    if (last === undefined || start > last.end) all.push({ start, end })
    else all[all.length - 1] = { start: last.start, end: Math.max(last.end, end) }
  }
  return all.length < ranges.length ? all : ranges
}
