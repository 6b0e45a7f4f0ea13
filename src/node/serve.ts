import { free } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Store } from '../store/store.ts'
import type { Handler, Header, Message } from '../transport/transporter.ts'
import type { Activity } from './activity.ts'
import type { Keeping } from './keeping.ts'
import { layoutBy, pick } from './local.ts'
import * as protocol from './protocol.ts'

/** What this node can be asked, by the name that a request gives in `op`. */
export type Operations = Readonly<Record<string, Handler>>

/** Answers what peers ask. What is not asked for by a known name is refused. */
export function serve(operations: Operations): Handler {
  return async (peer, request, signal) => {
    try {
      const { op } = request.header
      const known = typeof op === 'string' && Object.hasOwn(operations, op)
      if (known) return await operations[op]!(peer, request, signal)
      throw new DreyError('protocol', `this node does not know how to "${String(op).slice(0, 64)}"`)
    } finally {
      request.release?.()
    }
  }
}

/** What peers may ask of this node's store. */
export function storeOperations(keeping: Keeping, activity: Activity): Operations {
  const { store } = keeping
  const note = ({ quiet }: Header) => void (quiet === true || activity.note())
  return {
    async have(_peer, { header }) {
      const { block, leases } = protocol.decodeHave(header)
      return { header: protocol.encodeHeld(await keeping.have(block, leases)) }
    },
    async survey(_peer, { header }) {
      const { blocks, leases } = protocol.decodeSurvey(header)
      return { header: protocol.encodeSurveyed(await keeping.survey(blocks, leases)) }
    },
    async layout(_peer, { header }) {
      const { block, layout } = protocol.decodeLayoutOf(header)
      return { header: protocol.encodeLayoutIs(await layoutBy(store, block, layout)) }
    },
    async keep(_peer, { header, payload }, signal) {
      if (payload === undefined) throw new DreyError('protocol', '"keep" comes with a shard')
      note(header)
      const { layout, index, leases } = protocol.decodeKeep(header)
      const shard = { layout, index, bytes: payload }
      return { header: { isNew: await keeping.keep(shard, leases, { signal }) } }
    },
    async fetch(_peer, { header }, signal) {
      note(header)
      return answerFetch(store, protocol.decodeFetch(header), signal)
    },
  }
}

async function answerFetch(
  store: Store,
  { block, wanted }: ReturnType<typeof protocol.decodeFetch>,
  signal: AbortSignal,
): Promise<Message> {
  const { shard, also, rotted } = await pick(store, block, wanted, signal)
  if (shard === undefined) return { header: protocol.encodeAnswer({ rotted }) }
  const { layout, index, bytes } = shard
  return {
    header: protocol.encodeAnswer({ fetched: { layout, index, also }, rotted }),
    payload: bytes,
    release: () => free(bytes),
  }
}
