import { DreyError } from '../base/error.ts'
import type { ByteRange } from './options.ts'

/** What was given, as a door's query has it. */
export function queryOf(
  given: Readonly<Record<string, string | number | undefined>>,
): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query
}

/** Milliseconds from now on until then. Throws 'bad-input' when that is over. */
export function forMs(expires: Date | undefined): number | undefined {
  if (expires === undefined) return undefined
  const ms = Math.ceil(expires.getTime() - Date.now())
  if (ms > 0) return ms
  throw new DreyError('bad-input', 'what expires, expires after now: give a Date in the future')
}

/** A range as HTTP has it; HTTP has none without a byte. Throws 'bad-input' when it is no range. */
export function rangeHeader({ start = 0, end }: ByteRange): { range?: string } | 'empty' {
  const isPlace = (at: number) => Number.isSafeInteger(at) && at >= 0
  if (!isPlace(start) || (end !== undefined && (!isPlace(end) || end < start))) {
    const what = `not a range: from byte ${start} up to and without byte ${end}`
    throw new DreyError('bad-input', `${what}; give whole numbers from 0 on, the larger one last`)
  }
  if (start === end) return 'empty'
  if (start === 0 && end === undefined) return {}
  return { range: `bytes=${start}-${end === undefined ? '' : end - 1}` }
}
