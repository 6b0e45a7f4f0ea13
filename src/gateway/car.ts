import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { blocksBelow } from '../folder/blocks.ts'
import type { SealedBlock } from '../folder/car.ts'
import type { Imported, ImportOptions } from '../mend/importCar.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Bytes } from '../base/bytes.ts'
import { peek } from '../base/bytes.ts'
import { keyIn, type DoorReply, type DoorRequest, type PartDoor } from './door.ts'
import { readLeaseWish } from './leases.ts'
import { lines } from './lines.ts'

export const carType = 'application/vnd.ipld.car; version=1'

export interface CarParts {
  readonly node: Pick<Orchestrator, 'block' | 'blocksOf' | 'find' | 'read'>
  readonly importCar: (source: Bytes, options: ImportOptions) => Promise<Imported>
}

/**
 * `GET /car/ADDRESS` gives the sealed blocks of a blob, and of what is below it when it is a folder, as a CAR;
 * `POST /car` stores those of one, lines meanwhile.
 */
export function carDoor(parts: CarParts): PartDoor {
  return (request) => {
    const { path, method, query, body, signal } = request
    const name = /^\/car\/([^/]+)$/.exec(path)?.[1]
    if (name !== undefined && method === 'GET') return exported(parseAddress(name), request, parts)
    if (path !== '/car' || method !== 'POST') return undefined
    const options = { lease: readLeaseWish(query), signal }
    return lines<number, Imported>((report) => parts.importCar(body, { ...options, report }))
  }
}

async function exported(
  root: Address,
  { headers, signal }: DoorRequest,
  { node }: CarParts,
): Promise<DoorReply> {
  const key = keyIn(headers, formatAddress(root))
  const addresses = rootLast(root, blocksBelow(node, root, { key, signal }))
  const { writeCar } = await import('../folder/car.ts') // Seldom needed: not from the start.
  const car = writeCar(root, sealed(addresses, node, signal))
  const { whole: body } = await peek(car, 1) // What fails before the first byte is told with its status.
  return { status: 200, headers: { 'content-type': carType }, body }
}

async function* sealed(
  addresses: AsyncIterable<Address>,
  node: CarParts['node'],
  signal: AbortSignal,
): AsyncGenerator<SealedBlock> {
  for await (const address of addresses) {
    yield { address, bytes: await node.block(address, { signal }) }
  }
}

/** The root comes last: a file that breaks off is seen to, wherever it does. */
async function* rootLast(
  root: Address,
  addresses: AsyncIterable<Address>,
): AsyncGenerator<Address> {
  for await (const address of addresses) if (!address.equals(root)) yield address
  yield root
}
