import { CarBlockIterator, CarWriter } from '@ipld/car'
import { checkAddress, formatAddress, matches, type Address } from '../address/address.ts'
import type { Bytes } from '../base/bytes.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'

/** A block as it is kept, with its address. */
export interface SealedBlock {
  readonly address: Address
  readonly bytes: Uint8Array
}

/** What a CAR says it is for, and its blocks, each checked against its address. */
export interface ReadCar {
  readonly roots: readonly Address[]
  readonly blocks: AsyncGenerator<SealedBlock>
}

const betweenBytesMax = 4 << 20 // Blocks have a mebibyte; whoever announces more would have it all in memory.
const rootsMax = 1_024

/** A CARv1 (https://ipld.io/specs/transport/car/carv1/) of these blocks, in their order, one in memory at a time. */
export async function* writeCar(root: Address, blocks: AsyncIterable<SealedBlock>): Bytes {
  const { writer, out } = CarWriter.create(root)
  let isLeft = false
  const writing = async () => {
    try {
      for await (const { address, bytes } of blocks) {
        if (isLeft) return
        await writer.put({ cid: address, bytes })
      }
    } finally {
      await writer.close()
    }
  }
  const written = writing()
  written.catch(() => {}) // Thrown below, when what was written before has been read.
  try {
    for await (const chunk of out) yield new Uint8Array(chunk) // The writer gives the address's own bytes.
    await written
  } finally {
    isLeft = true
  }
}

/** Reads a CARv1 of Drey's blocks. Throws 'bad-input' for what is none, and for what does not match its address. */
export async function readCar(source: Bytes): Promise<ReadCar> {
  const gauge = { bytes: 0 }
  const car = await understood(() => CarBlockIterator.fromIterable(gauged(source, gauge)))
  const roots = (await car.getRoots()).slice(0, rootsMax + 1)
  if (roots.length === 0 || roots.length > rootsMax) {
    throw new DreyError('bad-input', `a CAR has from 1 to ${rootsMax} roots`)
  }
  return { roots: roots.map(addressIn), blocks: blocksIn(car, gauge) }
}

async function* blocksIn(
  car: CarBlockIterator,
  gauge: { bytes: number },
): AsyncGenerator<SealedBlock> {
  const blocks = car[Symbol.asyncIterator]()
  for (;;) {
    const next = await understood(() => blocks.next())
    if (next.done) return
    const { cid, bytes } = next.value
    gauge.bytes = 0
    const block = { address: addressIn(cid), bytes }
    if (!matches(block.address, block.bytes)) {
      const what = formatAddress(block.address)
      throw new DreyError(
        'bad-input',
        `block ${what} is not what its address says: nothing is kept`,
      )
    }
    yield block
  }
}

/** Throws 'bad-input' when the next block is not in sight. */
async function* gauged(source: Bytes, gauge: { bytes: number }): Bytes {
  for await (const chunk of source) {
    gauge.bytes += chunk.length
    if (gauge.bytes - chunk.length > betweenBytesMax) {
      throw new DreyError('bad-input', 'a block in it is larger than any of Drey')
    }
    yield new Uint8Array(chunk) // It is kept for a while, and its memory used again.
  }
}

function addressIn(cid: unknown): Address {
  try {
    return checkAddress(cid)
  } catch (cause) {
    const hint = 'only what drey export makes can be imported'
    throw new DreyError('bad-input', `${messageOf(cause)}; ${hint}`, { cause })
  }
}

/** The reader's own errors are about the file. */
async function understood<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (isDreyError(cause)) throw cause
    throw new DreyError('bad-input', `not a whole CAR: ${messageOf(cause)}`, { cause })
  }
}
