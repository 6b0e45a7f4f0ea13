import { readFile } from 'node:fs/promises'
import { parseAddress, type Address } from '../address/address.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import type { Dht } from '../discovery/dht.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { Publisher, type PublisherParts } from '../node/publisher.ts'
import type { DataFolder } from './folder.ts'

type Parts = Pick<PublisherParts, 'membership' | 'store' | 'clock' | 'log'> & {
  readonly dht: Dht | undefined
  readonly folder: DataFolder
  readonly orchestrator: Orchestrator
}

/** Announces what was published before; `undefined` at a node that takes no part in the DHT. */
export async function openPublisher(parts: Parts): Promise<Publisher | undefined> {
  const { dht, folder, orchestrator, log } = parts
  if (dht === undefined) return undefined
  const save = (roots: readonly string[]) =>
    writePrivately(folder.published, roots.map((root) => `${root}\n`).join(''))
  return new Publisher(
    {
      ...{ ...parts, announcer: dht, save },
      locate: (root, options) => orchestrator.locate(root, options),
    },
    await readPublished(folder, log),
  )
}

/** One address a line. A line that is none is left out, and logged. */
async function readPublished(folder: DataFolder, log: Log): Promise<Address[]> {
  const text = await readFile(folder.published, 'utf8').catch(() => '') // There is none yet.
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [parseAddress(line)]
      } catch (error) {
        log.error(`${folder.published}: ${messageOf(error)}`)
        return []
      }
    })
}
