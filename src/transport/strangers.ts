import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { formatEndpoint } from './endpoint.ts'

export interface StrangersParts {
  readonly clock: Clock
  readonly log: Log
  readonly handshakeMs: number
  readonly handshakesMax: number
}

/**
 * The TCP connections that nobody has vouched for yet: so many, for so long, and no more. Whoever does not
 * become a member's is cut off, and the log says once where it came from and why it was refused.
 */
export class Strangers {
  readonly #parts: StrangersParts
  /** By where they come from. */
  readonly #here = new Map<string, { refused: boolean; readonly done: AbortController }>()
  #closed = false

  constructor(parts: StrangersParts) {
    this.#parts = parts
  }

  /** Whether there is room for one more; if not, it is gone already. */
  meet(socket: Socket): boolean {
    const { clock, log, handshakeMs, handshakesMax } = this.#parts
    const from = fromOf(socket)
    socket.on('error', () => {}) // 'close' follows, and says all there is to say.
    if (this.#here.size >= handshakesMax || this.#closed) {
      log.warn('turned away: too many handshakes at once', { from })
      socket.destroy()
      return false
    }
    const done = new AbortController()
    this.#here.set(from, { refused: false, done })
    const late = () => {
      this.refuse(from, `it did not finish the handshake within ${handshakeMs} ms`)
      socket.destroy()
    }
    clock.sleep(handshakeMs, done.signal).then(late, () => {
      if (this.#here.has(from)) socket.destroy() // We are closing, and it is still a stranger.
    })
    socket.once('close', () => {
      this.refuse(from, 'it ended the connection in the handshake')
      this.acquaint(from)
    })
    return true
  }

  /** Says why, unless it was said before, or this is no stranger any more. */
  refuse(from: string, why: string): void {
    const stranger = this.#here.get(from)
    if (stranger === undefined || stranger.refused || this.#closed) return
    stranger.refused = true
    this.#parts.log.warn('refused', { from, why })
  }

  /** Is a member's from now on, or gone. */
  acquaint(from: string): void {
    const stranger = this.#here.get(from)
    this.#here.delete(from)
    stranger?.done.abort()
  }

  close(): void {
    this.#closed = true
    for (const { done } of this.#here.values()) done.abort()
  }
}

/** Where a socket's other end is: "host:port". */
export function fromOf(socket: Socket): string {
  return formatEndpoint(socket.remoteAddress ?? 'nowhere', socket.remotePort ?? 0)
}
