import { formatAddress, type Address } from '../../src/address/address.ts'
import { silentLog } from '../../src/base/log.ts'
import { between, seededRandom, type Random } from '../../src/base/random.ts'
import type { Layout } from '../../src/coding/layout.ts'
import type { Holder } from '../../src/node/holder.ts'
import { put } from '../../src/node/put.ts'
import { InlineCrew } from '../../src/pipe/crew.ts'
import { Pool } from '../../src/pipe/pool.ts'
import { readKeys } from './life.ts'

/** Something that people store, and what must come of it, whoever stores it. */
export interface Content {
  readonly name: string
  readonly bytes: Uint8Array
  readonly address: Address
  /** The addresses of its blocks, each once. */
  readonly blocks: readonly string[]
}

const mib = 2 ** 20
/** Sizes that take different ways, and how likely each is: bytes cost time, and edges are in all of them. */
const sizes: readonly { likely: number; size: (random: Random) => number }[] = [
  { likely: 0.08, size: () => 0 },
  { likely: 0.25, size: (random) => between(random, 1, 64) },
  { likely: 0.45, size: (random) => between(random, 64, 64 * 1024 + 1) }, // All in the root.
  { likely: 0.02, size: () => 64 * 1024 + 1 },
  { likely: 0.14, size: (random) => between(random, 64 * 1024 + 2, 200_000) }, // One segment, coded.
  { likely: 0.02, size: () => mib },
  { likely: 0.04, size: (random) => between(random, mib + 1, 3 * mib) },
]

/** Contents of all kinds, from one seed. No two are alike: to remove one would be to remove the other. */
export async function contentsOf(random: Random, count: number): Promise<Content[]> {
  const contents = new Map<string, Content>()
  while (contents.size < count) {
    const content = await contentOf(random, `c${contents.size}`)
    const address = formatAddress(content.address)
    if (!contents.has(address)) contents.set(address, content)
  }
  return [...contents.values()]
}

async function contentOf(random: Random, name: string): Promise<Content> {
  let lot = random.fraction()
  const { size } = sizes.find(({ likely }) => (lot -= likely) < 0) ?? sizes[1]!
  const bytes = bytesFrom(between(random, 1, 2 ** 31), size(random))
  const { address, blocks } = await stored(bytes)
  return { name: `${name} of ${bytes.length} bytes`, bytes, address, blocks }
}

/** Some that repeat: what is made by one cheap call, and differs from seed to seed. */
function bytesFrom(seed: number, size: number): Uint8Array {
  const piece = seededRandom(seed).bytes(4_093) // A prime: no two segments are alike.
  return new Uint8Array(Buffer.alloc(size, piece))
}

/** Puts it where nothing can go wrong, and looks at what was put. */
async function stored(bytes: Uint8Array): Promise<{ address: Address; blocks: string[] }> {
  const blocks = new Set<string>()
  const keep = async ({ block }: Layout) => blocks.add(formatAddress(block)).size > 0
  const holder = { have: async () => [], keep, member: { id: 'all', zone: '' } }
  const pool = new Pool()
  const { address } = await put(once(bytes), {
    ...{ keys: readKeys, pool, crew: new InlineCrew(pool), log: silentLog },
    ...{ segmentsAhead: 1, hash: 'blake3', code: () => ({ k: 1, n: 1 }) },
    order: async () => [holder as unknown as Holder],
    lease: { id: '0'.repeat(32), owner: 'all', made: 0 },
    signal: new AbortController().signal,
  })
  return { address, blocks: [...blocks] }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
