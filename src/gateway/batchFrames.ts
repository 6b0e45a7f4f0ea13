import { concat, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

/** What a batch is sent as: a byte that says what it is, its length in four bytes, high byte first, and that. */
export const frameTypes = {
  /** A blob begins. */
  begin: 1,
  /** Bytes of it. */
  bytes: 2,
  /** It ends. */
  end: 3,
  /** What was stored before is wanted: JSON. */
  keep: 4,
  /** All has been sent, and which blob stands for it: JSON. */
  done: 5,
} as const

export interface Frame {
  readonly type: number
  /** Of bytes perhaps a part: then the others follow. It is the reader's until it asks for the next frame. */
  readonly body: Uint8Array
}

const headBytes = 5
const bodyBytesMax = 1 << 20

/** The head of a frame whose body follows. */
export function frameHead(type: number, bodyBytes = 0): Uint8Array {
  const head = new Uint8Array(headBytes)
  head[0] = type
  new DataView(head.buffer).setUint32(1, bodyBytes)
  return head
}

/** A frame with a small body. */
export function jsonFrame(type: number, value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value))
  return concat([frameHead(type, body.length), body])
}

/** Throws 'bad-input' for a frame that is too long, or does not end. */
export async function* decodeFrames(source: Bytes): AsyncGenerator<Frame> {
  const head = new Uint8Array(headBytes)
  let headed = 0
  let left = 0
  let pieces: Uint8Array[] = []
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const wanted = headed < headBytes ? headBytes - headed : left
      const part = chunk.subarray(at, at + wanted)
      at += part.length
      if (headed < headBytes) {
        head.set(part, headed)
        headed += part.length
        if (headed < headBytes) continue
        left = bodySize(head)
        pieces = []
      } else {
        left -= part.length
        if (head[0] === frameTypes.bytes) yield { type: head[0], body: part }
        else pieces.push(new Uint8Array(part))
      }
      if (left > 0) continue
      if (head[0] !== frameTypes.bytes) yield { type: head[0]!, body: concat(pieces) }
      headed = 0
    }
  }
  if (headed > 0) throw new DreyError('bad-input', 'what was sent breaks off')
}

function bodySize(head: Uint8Array): number {
  const size = new DataView(head.buffer).getUint32(1)
  if (size <= bodyBytesMax) return size
  throw new DreyError('bad-input', `a frame of ${size} bytes is too long`)
}
