import { DreyError } from '../base/error.ts'
import type { Range } from '../manifest/reader.ts'

/**
 * The one range that a Range header asks for (RFC 9110, 14.1.2), or `undefined` for the whole. Ranges
 * that cannot be understood, or several at once, are passed over, as the RFC allows. Throws 'bad-input'
 * when the range has no byte of the blob in it.
 */
export function parseRange(header: string | undefined, size: number): Range | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (match === null) return undefined
  const [from, to] = [match[1]!, match[2]!]
  if (from === '' && to === '') return undefined
  if (from === '' && Number(to) === 0) throw new DreyError('bad-input', 'the range has no bytes')
  if (from === '') return { start: Math.max(0, size - Number(to)), end: size }
  const start = Number(from)
  const end = to === '' ? size : Math.min(size, Number(to) + 1)
  if (to !== '' && Number(to) < start) return undefined
  if (start >= size) {
    throw new DreyError('bad-input', `the range begins at byte ${start}; the blob has ${size}`)
  }
  return { start, end }
}
