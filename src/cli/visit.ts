import { silentLog } from '../base/log.ts'
import { dataFolder } from '../daemon/folder.ts'
import { ask, readReply } from '../gateway/ask.ts'
import type { Door } from '../gateway/door.ts'
import { socketDoor } from '../gateway/client.ts'
import { answers } from '../gateway/http.ts'
import type { NodeStatus } from '../gateway/status.ts'
import { note, type Global } from './output.ts'

export { ask, readReply }

/** A node to speak to for one command. */
export interface Visit extends AsyncDisposable {
  readonly door: Door
}

const connectMs = 3_000 // How long a node that was opened for one command waits for its members.

/** The running node of the data folder; with none running, the node opened inside this process. */
export async function openVisit(global: Global): Promise<Visit> {
  const folder = dataFolder(global.data)
  if (await answers(folder.socket)) {
    return { door: socketDoor(folder.socket), [Symbol.asyncDispose]: async () => {} }
  }
  const { startNode } = await import('../daemon/start.ts')
  note(global, `no node is running on ${folder.path}: opening it for this command`)
  const passphrase = process.env.DREY_PASSPHRASE
  const node = await startNode(folder, { log: silentLog, passphrase, isVisit: true })
  await node.membership.settled(connectMs)
  return { door: node.door, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() }
}

/** How many members hold what this node puts or reads now, for a bar. */
export function holdersAt(door: Door): () => Promise<number> {
  return async () => {
    const reply = await ask(door, 'GET', '/status', { signal: AbortSignal.timeout(connectMs) })
    return (await readReply<NodeStatus>(reply)).partners
  }
}
