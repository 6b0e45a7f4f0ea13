import { basename } from 'node:path'
import { counted, type Bytes } from '../base/bytes.ts'
import type { Door } from '../gateway/door.ts'
import type { PutReply } from '../gateway/blobs.ts'
import { isFolder, readInput } from './files.ts'
import { leaseQuery } from './keep.ts'
import type { LeftOut } from './leftOut.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { ask, holdersAt, openVisit, readReply } from './visit.ts'

export interface PutCommand extends Global, LeftOut {
  readonly link?: boolean
  readonly hash?: string
  /** Whether what is known of a folder from before is believed. */
  readonly cache?: boolean
  readonly code?: string
  readonly expires?: string
  readonly name?: string
}

/** `drey put FILE|FOLDER|-` */
export async function putCommand(
  path: string,
  options: PutCommand,
  signal: AbortSignal,
): Promise<void> {
  if (path !== '-' && (await isFolder(path))) {
    const { putFolder } = await import('./putFolder.ts')
    return putFolder(path, options, signal)
  }
  const { body, size } = await readInput(path)
  using _stdin = closing(path)
  await using visit = await openVisit(options)
  if (options.hash === 'sha1') {
    note(
      options,
      'sha1: collisions can be made on purpose; do not trust this address against someone who makes files',
    )
  }
  const query = putQuery(path === '-' ? undefined : basename(path), options)
  const progress = new Progress(options, 'put', { total: size, holders: holdersAt(visit.door) })
  const reply = await storeBlob(visit.door, body, { query, signal, progress })
  const isNew = `${formatSize(reply.newBytes)} of it new`
  note(options, `${formatSize(reply.size)} stored, ${isNew}; ${reply.summary}`)
  say(options, reply, options.link ? reply.link : reply.address)
}

/** What the options of a put mean to a door. */
export function putQuery(name: string | undefined, options: PutCommand): URLSearchParams {
  const query = leaseQuery({ name, ...options })
  if (options.hash) query.set('hash', options.hash)
  if (options.code) query.set('code', options.code)
  return query
}

/** Puts a stream through a node's door. */
export async function storeBlob(
  door: Door,
  body: Bytes,
  parts: { query?: URLSearchParams; signal: AbortSignal; progress: Progress },
): Promise<PutReply> {
  using progress = parts.progress
  const passed = counted(body, (bytes) => progress.add(bytes))
  const { query = new URLSearchParams(), signal } = parts
  const reply = await ask(door, 'PUT', '/blob', { query, body: passed, signal })
  return await readReply<PutReply>(reply)
}

/** A put that fails leaves stdin unread; while it is open, the process would not end. */
function closing(path: string): Disposable {
  return { [Symbol.dispose]: () => void (path === '-' && process.stdin.destroy()) }
}
