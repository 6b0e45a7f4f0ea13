import { free } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Store } from '../store/store.ts'
import type { Handler, Message } from '../transport/transporter.ts'
import { pick } from './local.ts'
import * as protocol from './protocol.ts'

/** Answers what peers ask of this node's store. */
export function serveStore(
  store: Store,
  hello: (said: protocol.Hello) => Promise<protocol.Hello>,
): Handler {
  return async (_peer, request, signal) => {
    const { header, payload } = request
    try {
      switch (header.op) {
        case 'hello':
          return { header: protocol.encodeHello(await hello(protocol.decodeHello(header))) }
        case 'have':
          return { header: protocol.encodeHeld(await store.shardsOf(protocol.decodeBlock(header))) }
        case 'keep': {
          if (payload === undefined) throw new DreyError('protocol', '"keep" comes with a shard')
          const { layout, index } = protocol.decodeKeep(header)
          return {
            header: { isNew: await store.put({ layout, index, bytes: payload }, { signal }) },
          }
        }
        case 'fetch':
          return await answerFetch(store, protocol.decodeFetch(header), signal)
        default:
          throw new DreyError('protocol', `this node does not know how to "${String(header.op)}"`)
      }
    } finally {
      request.release?.()
    }
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
