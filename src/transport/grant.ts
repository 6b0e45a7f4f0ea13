import { Window } from '../base/flow.ts'
import { broken } from './frame.ts'
import type { FrameWriter } from './writer.ts'

/**
 * The window that this side grants for one kind of payload: memory the other side may fill. Taking
 * beyond it breaks the agreement. A payload larger than the whole window counts as the whole.
 */
export class Grant {
  readonly #writer: FrameWriter
  readonly #kind: 'request' | 'response'
  readonly #total: number
  #taken = 0

  constructor(writer: FrameWriter, kind: 'request' | 'response', total: number) {
    this.#writer = writer
    this.#kind = kind
    this.#total = total
  }

  /** The other side announced a payload. Throws 'protocol' when there is no room for it. */
  take(size: number): void {
    this.#taken += Math.min(size, this.#total)
    if (this.#taken > this.#total) throw broken(`${this.#kind} payloads beyond the window`)
  }

  /** The payload was used or given up: as much may be sent again. */
  back(size: number): void {
    const bytes = Math.min(size, this.#total)
    this.#taken -= bytes
    if (bytes > 0) this.#writer.grant(this.#kind, bytes)
  }
}

/** The other side gave credit back to a window that it granted. Throws 'protocol' for more than was taken. */
export function regain(window: Window, bytes: number): void {
  if (bytes > window.inUse) throw broken('more credit than was taken')
  window.give(bytes)
}

/** New memory for a payload, not cleared: every byte is written before anyone sees it. */
export function payloadMemory(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
}

/** Calls `work` the first time, and never again. */
export function once(work: (() => void) | undefined): () => void {
  let left = work
  return () => {
    const now = left
    left = undefined
    now?.()
  }
}
