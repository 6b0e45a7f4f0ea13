import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { errorFrom } from '../gateway/errors.ts'
import type { Line } from '../gateway/lines.ts'

/** Follows long work at a door to its outcome. Throws what it failed with. */
export async function followLines<Progress, Outcome>(
  body: Bytes,
  report: (progress: Progress) => void,
): Promise<Outcome> {
  for await (const text of createInterface({ input: Readable.from(body) })) {
    const line = JSON.parse(text) as Line<Progress, Outcome>
    if ('error' in line) throw errorFrom(line)
    if ('outcome' in line) return line.outcome
    report(line.progress)
  }
  throw new DreyError('unreachable', 'the node stopped before it was done')
}
