import { parseListen } from '../daemon/config.ts'
import { dataFolder } from '../daemon/folder.ts'
import { joinSwarm } from '../daemon/join.ts'
import { note, parseSize, say, type Global } from './output.ts'

export interface JoinCommand extends Global {
  readonly name?: string
  readonly listen?: string
  readonly capacity?: string
  readonly zone?: string
}

/** `drey join TOKEN` */
export async function joinCommand(
  token: string,
  options: JoinCommand,
  signal: AbortSignal,
): Promise<void> {
  const folder = dataFolder(options.data)
  const { name, listen, capacity, zone } = options
  if (listen !== undefined) parseListen(listen)
  const joined = await joinSwarm(folder, token, {
    ...{ name, listen, zone, signal },
    capacity: capacity === undefined ? undefined : parseSize(capacity),
    passphrase: process.env.DREY_PASSPHRASE,
  })
  const { id, role, inviter, address } = joined
  const words = `joined the swarm of ${inviter} (${address}): ${joined.name} is member ${id} (${role})`
  say(options, { ...joined, data: folder.path }, words)
  note(options, `next: drey --data ${folder.path} start`)
}
