import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Which system calls fail, and how, in the words of strace(1). */
export interface Fault {
  readonly calls: string
  readonly error: 'EIO' | 'ENOSPC'
  /** "FIRST+STEP" of the calls in each thread; all of them, where it is not given. */
  readonly when?: string
  /** Files that the calls are about, by their exact names; any, where they are not given. */
  readonly paths?: readonly string[]
}

function injecting({ calls, error, when = '1+', paths = [] }: Fault): string[] {
  return [
    '--follow-forks',
    `--trace=${calls}`,
    `--inject=${calls}:error=${error}:when=${when}`,
    ...paths.map((path) => `--trace-path=${path}`),
  ]
}

/** What a process is started with, for its system calls to fail from the beginning. */
export function startedWith(fault: Fault): string[] {
  return ['strace', '--daemonize', '--output=/dev/null', ...injecting(fault)]
}

/** System calls of a running process fail, until this is closed. It goes on then as if nothing had been. */
export class Faults implements AsyncDisposable {
  readonly #strace: ChildProcess
  readonly #folder: string

  private constructor(strace: ChildProcess, folder: string) {
    this.#strace = strace
    this.#folder = folder
  }

  static async inject({ pid }: ChildProcess, fault: Fault): Promise<Faults> {
    const folder = await mkdtemp(join(tmpdir(), 'drey-faults-'))
    const options = [`--attach=${pid}`, `--output=${join(folder, 'log')}`, ...injecting(fault)]
    const strace = spawn('strace', options, { stdio: ['ignore', 'ignore', 'pipe'] })
    const attached = once(createInterface(strace.stderr), 'line') as Promise<[string]>
    const [said] = await Promise.race([attached, once(strace, 'error')])
    const faults = new Faults(strace, folder)
    if (/attached/.test(String(said))) return faults
    await faults[Symbol.asyncDispose]()
    throw new Error(`strace: ${String(said)}`)
  }

  /** How many calls have failed so far. */
  async count(): Promise<number> {
    const log = await readFile(join(this.#folder, 'log'), 'utf8')
    return log.match(/\(INJECTED\)/g)?.length ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#strace
    if (exitCode === null && signalCode === null) {
      const ended = once(this.#strace, 'exit')
      this.#strace.kill('SIGINT') // It lets go of the process, and ends.
      await ended
    }
    await rm(this.#folder, { recursive: true })
  }
}

/** Why no system call can be made to fail on this machine; `false` when one can. */
export async function whyNoFaults(): Promise<string | false> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    await using _faults = await Faults.inject(child, { calls: 'fsync', error: 'EIO' })
    return false
  } catch (error) {
    return `no system call can be made to fail here: ${String(error)}`
  } finally {
    child.kill('SIGKILL')
  }
}
