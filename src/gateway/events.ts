import type { MendProgress } from '../mend/progress.ts'
import type { MemberView } from './members.ts'
import type { PartDoor } from './door.ts'

/** What a node tells of, as it happens. */
export type DreyEvent = MemberEvent | GoneEvent | RotEvent | MendEvent

/** A member is there, came, went, or says something new of itself. */
export interface MemberEvent {
  /** Which event it is. */
  readonly type: 'member'
  /** The member, as this node sees it now. */
  readonly member: MemberView
}

/** Who was a member is one no more: it was evicted, or is not remembered any longer. */
export interface GoneEvent {
  /** Which event it is. */
  readonly type: 'gone'
  /** The member, as it was seen last. */
  readonly member: MemberView
}

/** A shard of this node's has rotted on its disk, and was set aside; it is made anew from others. */
export interface RotEvent {
  /** Which event it is. */
  readonly type: 'rot'
  /** The address of its block. */
  readonly block: string
  /** Which of the block's shards it was, from 0 on. */
  readonly index: number
}

/** Looking after blocks has come further: some were mended, wait to be, or are lost. */
export interface MendEvent {
  /** Which event it is. */
  readonly type: 'mend'
  /** How far it is now. */
  readonly mend: MendProgress
}

/** `GET /events`: a line of JSON (NDJSON) for each event, until the asker goes. */
export function eventsDoor(events: (signal: AbortSignal) => AsyncIterable<DreyEvent>): PartDoor {
  return ({ path, method, signal }) => {
    if (path !== '/events' || method !== 'GET') return undefined
    const headers = { 'content-type': 'application/x-ndjson' }
    return Promise.resolve({ status: 200, headers, body: told(events(signal)) })
  }
}

async function* told(events: AsyncIterable<DreyEvent>): AsyncGenerator<Uint8Array> {
  for await (const event of events) yield Buffer.from(`${JSON.stringify(event)}\n`)
}
