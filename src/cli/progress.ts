import { formatSize, type Global } from './output.ts'

const redrawMs = 200
const askMs = 1_000
const barWidth = 24

export interface ProgressOptions {
  readonly total?: number
  /** What an earlier try has done: it takes no time now. */
  readonly before?: number
  readonly format?: (count: number) => string
  /** Asked now and then: how many members hold what passes. */
  readonly holders?: () => Promise<number>
}

/** A bar with rate, time left and holders on a terminal; nothing in a pipe. Close it before anything is said. */
export class Progress implements Disposable {
  readonly #label: string
  #total: number | undefined
  readonly #before: number
  readonly #format: (count: number) => string
  readonly #started = performance.now()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #over = new AbortController()
  #done = 0
  #holders = 0

  constructor(
    global: Global,
    label: string,
    { total, before = 0, format = formatSize, holders }: ProgressOptions = {},
  ) {
    this.#label = label
    this.#total = total
    this.#before = before
    this.#format = format
    const shown = process.stderr.isTTY && !global.json && !global.quiet
    if (!shown) return
    this.#timers.push(setInterval(() => this.#draw(), redrawMs).unref())
    if (holders) this.#timers.push(setInterval(() => void this.#ask(holders), askMs).unref())
  }

  add(count: number): void {
    this.#done += count
  }

  /** Says how much there is once that is known. It is found out only where somebody sees it. */
  async expect(total: (signal: AbortSignal) => Promise<number>): Promise<void> {
    if (this.#timers.length === 0) return
    const { signal } = this.#over
    this.#total = await total(signal).catch(() => undefined) // What is under way tells of any failure.
  }

  [Symbol.dispose](): void {
    this.#over.abort()
    if (this.#timers.length === 0) return
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    process.stderr.write('\r\x1b[K')
  }

  async #ask(holders: () => Promise<number>): Promise<void> {
    this.#holders = await holders().catch(() => 0) // What is under way tells of any failure.
  }

  #draw(): void {
    const seconds = (performance.now() - this.#started) / 1000
    const rate = this.#done / Math.max(seconds, 0.001)
    const done = this.#before + this.#done
    const parts = [this.#label, this.#format(done), `${this.#format(rate)}/s`]
    if (this.#total) {
      const share = Math.min(1, done / this.#total)
      const full = Math.round(share * barWidth)
      const left = (this.#total - done) / Math.max(rate, 1)
      parts.splice(
        1,
        0,
        `[${'#'.repeat(full)}${' '.repeat(barWidth - full)}]`,
        `${Math.floor(share * 100)} %`,
      )
      parts.push(`${formatSeconds(left)} left`)
    }
    if (this.#holders > 0)
      parts.push(`${this.#holders} ${this.#holders > 1 ? 'holders' : 'holder'}`)
    process.stderr.write(`\r\x1b[K${parts.join('  ')}`)
  }
}

/** "2 h 05 min", "3 min 20 s", "8 s" */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`
}
