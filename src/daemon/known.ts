import * as dagCbor from '@ipld/dag-cbor'
import { readFile } from 'node:fs/promises'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import type { Membership } from '../discovery/membership.ts'
import type { DataFolder } from './folder.ts'

const saveMs = 10_000

/** What a node knew of its swarm when it last ran: signed records and evictions, checked again when used. */
export interface Known {
  readonly records: readonly Uint8Array[]
  readonly evictions: readonly Uint8Array[]
}

/** Reads it. What is not there, or damaged, is empty: members tell again. */
export async function readKnown(folder: DataFolder, log: Log): Promise<Known> {
  const read = (path: string) => readList(path, log)
  return { records: await read(folder.members), evictions: await read(folder.evictions) }
}

/** When it has resolved, evictions survive a crash: an evicted member is refused at once after a restart. */
export async function saveEvictions(
  folder: DataFolder,
  evictions: readonly Uint8Array[],
): Promise<void> {
  await writeList(folder.evictions, evictions)
}

/** Keeps the members' records up to date on disk while the node runs. */
export function keepRecords(folder: DataFolder, membership: Membership, log: Log): AsyncDisposable {
  let isChanged = true
  const stop = membership.watch(() => (isChanged = true))
  const save = async (): Promise<void> => {
    if (!isChanged) return
    isChanged = false
    await writeList(folder.members, membership.records()).catch((error: unknown) => {
      log.warn(`what is known of the members could not be saved: ${messageOf(error)}`)
    })
  }
  const timer = setInterval(() => void save(), saveMs).unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      stop()
      await save()
    },
  }
}

/** A file of these is one line of base64: DAG-CBOR, a list of byte strings. */
async function writeList(path: string, items: readonly Uint8Array[]): Promise<void> {
  await writePrivately(path, `${Buffer.from(dagCbor.encode([...items])).toString('base64')}\n`)
}

async function readList(path: string, log: Log): Promise<Uint8Array[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch {
    return [] // There is none yet.
  }
  try {
    const items: unknown = dagCbor.decode(Buffer.from(text, 'base64'))
    if (Array.isArray(items) && items.every((item) => item instanceof Uint8Array)) return items
    throw new Error('it is not a list of bytes')
  } catch (error) {
    log.error(`${path} is damaged, and its content lost: ${messageOf(error)}`)
    return []
  }
}
