import { parseAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { jsonReply, type DoorReply, type PartDoor } from './door.ts'

/** What publishes: `undefined` at a node that takes no part in the DHT. */
export interface Published {
  list(): string[]
  publish(root: Address): Promise<void>
  unpublish(root: Address): Promise<void>
}

/** Published roots over HTTP: `GET /published`, `PUT /published/ADDRESS`, `DELETE /published/ADDRESS`. */
export function publishedDoor(published: Published | undefined): PartDoor {
  return ({ method, path }) => {
    const name = /^\/published(?:\/([^/]+))?$/.exec(path)
    if (name === null) return undefined
    if (published === undefined) {
      const why = 'this node takes no part in the DHT: start it without --no-dht'
      return Promise.reject(new DreyError('bad-input', why))
    }
    if (name[1] === undefined) {
      return method === 'GET' ? Promise.resolve(listed(published)) : undefined
    }
    if (method === 'PUT') return change(published, name[1], (root) => published.publish(root))
    if (method === 'DELETE') return change(published, name[1], (root) => published.unpublish(root))
    return undefined
  }
}

async function change(
  published: Published,
  name: string,
  work: (root: Address) => Promise<void>,
): Promise<DoorReply> {
  await work(parseAddress(name))
  return listed(published)
}

function listed(published: Published): DoorReply {
  return jsonReply({ published: published.list() })
}
