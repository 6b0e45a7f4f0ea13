import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Place } from '../../src/cli/town.ts'

const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1')

/** A clock of its own for the processes of some nodes, which can be set while they run. */
export class OwnClock {
  readonly place: Place
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
    const variables = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_CACHE_DURATION: '1', // Seconds after which the file is read again.
      FAKETIME_DONT_FAKE_MONOTONIC: '1', // Setting a clock does not make timers fire.
    }
    const command = ['env', ...Object.entries(variables).map((pair) => pair.join('='))]
    this.place = { command, listen: '127.0.0.1:0' }
  }

  /** One that is right; `path` is a file for it. */
  static async open(path: string): Promise<OwnClock> {
    const clock = new OwnClock(path)
    await clock.set(0)
    return clock
  }

  /** Sets it to so many days ahead of what is right. */
  async set(days: number): Promise<void> {
    await writeFile(this.#path, `+${days}d`)
  }
}

/** Why no process can have a clock of its own on this machine; `false` when one can. */
export function whyNoClock(): string | false {
  return library === undefined && 'it needs the library libfaketime'
}
