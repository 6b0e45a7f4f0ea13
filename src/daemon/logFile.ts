import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { DreyError, messageOf } from '../base/error.ts'

export interface LogFileOptions {
  /** A file that has so many bytes is set aside. */
  readonly bytesMax: number
  /** Those set aside that are kept. */
  readonly keptMax: number
}

const defaults: LogFileOptions = {
  bytesMax: 10 << 20, // Some eighty thousand lines.
  keptMax: 4,
}

/**
 * A file that lines are added to. When it is full it is set aside as `FILE.1`, what was that before as `FILE.2`, and so
 * on; the oldest goes. It is its user's alone. A line that was written is there after a crash of the process.
 */
export class LogFile implements Disposable {
  readonly #path: string
  readonly #options: LogFileOptions
  #fd: number
  #size: number

  /** Throws 'cannot-write'. */
  constructor(path: string, options: Partial<LogFileOptions> = {}) {
    this.#path = path
    this.#options = { ...defaults, ...options }
    try {
      this.#fd = openSync(path, 'a', 0o600)
      this.#size = fstatSync(this.#fd).size
    } catch (cause) {
      const why = `the log cannot be written: ${messageOf(cause)}; choose another file with --log`
      throw new DreyError('cannot-write', why, { cause })
    }
  }

  /** Throws what the system does when it cannot be written. */
  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#size > 0 && this.#size + bytes.length > this.#options.bytesMax) this.#turn()
    this.#size += writeSync(this.#fd, bytes)
  }

  [Symbol.dispose](): void {
    const fd = this.#fd
    this.#fd = -1 // Its number will be another file's.
    if (fd >= 0) closeSync(fd)
  }

  /** Begins a new file. Where the old one cannot be set aside it grows on, and that is tried again in due time. */
  #turn(): void {
    this.#size = 0
    try {
      for (let at = this.#options.keptMax; at > 0; at--) {
        const older = at === 1 ? this.#path : `${this.#path}.${at - 1}`
        if (existsSync(older)) renameSync(older, `${this.#path}.${at}`)
      }
      const fd = openSync(this.#path, 'a', 0o600)
      closeSync(this.#fd)
      this.#fd = fd
    } catch {
      // A log that is too long is better than none.
    }
  }
}
