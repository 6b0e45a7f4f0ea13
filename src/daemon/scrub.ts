import { readFile } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import { Scrubber, type ScrubberParts } from '../mend/scrub.ts'
import { formatScrubState, parseScrubState, type ScrubState } from '../mend/scrubState.ts'
import { configDefaults, type Config } from './config.ts'
import type { DataFolder } from './folder.ts'

type Parts = Omit<ScrubberParts, 'save'> & {
  readonly folder: DataFolder
  readonly config: Config
  /** Open for one command alone: it reads nothing by itself. */
  readonly isVisit: boolean
}

/** Goes on reading everything from where it was. */
export async function openScrubber(
  parts: Parts,
): Promise<{ scrubber: Scrubber } & AsyncDisposable> {
  const { folder, config, isVisit, log } = parts
  const save = (state: ScrubState) => writePrivately(folder.scrub, formatScrubState(state))
  const { scrubDays: days = configDefaults.scrubDays } = config
  const scrubber = new Scrubber({ ...parts, save }, { days, state: await readState(folder, log) })
  const over = new AbortController()
  const running = isVisit ? undefined : scrubber.run(over.signal)
  running?.catch((error: unknown) => log.error('nothing is scrubbed any more', { error }))
  return {
    scrubber,
    async [Symbol.asyncDispose]() {
      over.abort(new Error('the node is closing'))
      await running?.catch(() => {}) // Told when it happened.
      scrubber[Symbol.dispose]()
    },
  }
}

async function readState(folder: DataFolder, log: Log): Promise<ScrubState | undefined> {
  const text = await readFile(folder.scrub, 'utf8').catch(() => undefined) // There is none yet.
  if (text === undefined) return undefined
  const state = parseScrubState(text)
  if (state === undefined) log.warn(`${folder.scrub} is damaged: all is read from the beginning`)
  return state
}
