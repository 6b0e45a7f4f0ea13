import { toHex } from '../base/bytes.ts'
import type { Random } from '../base/random.ts'
import type { OpenBlob, Range } from '../folder/folder.ts'

export interface Multipart {
  readonly type: string
  /** Bytes in all, boundaries and heads included. */
  readonly size: number
  readonly body: () => AsyncGenerator<Uint8Array>
}

/** Several ranges of a blob as one body (RFC 9110, 14.6). */
export function multipartOf(
  blob: OpenBlob,
  ranges: readonly Range[],
  { type, random }: { type: string; random: Random },
): Multipart {
  const boundary = toHex(random.bytes(16))
  const parts = ranges.map((range) => ({ range, head: Buffer.from(headOf(range)) }))
  const last = Buffer.from(`\r\n--${boundary}--\r\n`)
  const size = parts.reduce(
    (sum, { range, head }) => sum + head.length + range.end - range.start,
    0,
  )
  return {
    type: `multipart/byteranges; boundary=${boundary}`,
    size: size + last.length,
    body: async function* () {
      for (const { range, head } of parts) {
        yield head
        yield* blob.read(range)
      }
      yield last
    },
  }

  function headOf({ start, end }: Range): string {
    const lines = [`content-type: ${type}`, `content-range: bytes ${start}-${end - 1}/${blob.size}`]
    return `\r\n--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n`
  }
}
