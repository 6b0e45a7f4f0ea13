import { readFile } from 'node:fs/promises'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import type { Members } from '../node/members.ts'
import type { DataFolder } from './folder.ts'

const peersMax = 256
const saveMs = 10_000

/** Addresses of members that this node has met: it finds them again when those in its config are gone. */
export async function readPeers(folder: DataFolder): Promise<string[]> {
  try {
    const peers: unknown = JSON.parse(await readFile(folder.peers, 'utf8'))
    return Array.isArray(peers) ? peers.filter((peer) => typeof peer === 'string') : []
  } catch {
    return [] // There is none yet, or it is damaged: the config's are there, and tell of the others.
  }
}

/** Keeps the file up to date while the node runs. */
export function rememberPeers(
  folder: DataFolder,
  members: Members,
  known: readonly string[],
  log: Log,
): AsyncDisposable {
  let saved = JSON.stringify(known)
  const save = async (): Promise<void> => {
    const live = members.holders().map(({ member }) => member.address)
    const all = [...new Set([...live, ...known])].filter((address) => address !== '')
    const text = JSON.stringify(all.slice(0, peersMax))
    if (text === saved) return
    saved = text
    await writePrivately(folder.peers, `${text}\n`).catch((error: unknown) => {
      log.warn(`the members' addresses could not be saved: ${messageOf(error)}`)
    })
  }
  const timer = setInterval(() => void save(), saveMs).unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await save()
    },
  }
}
