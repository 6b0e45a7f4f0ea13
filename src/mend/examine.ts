import { formatAddress, type Address } from '../address/address.ts'
import { formatCode } from '../coding/code.ts'
import { assess, type Verdict } from './assess.ts'
import type { Aims } from './aims.ts'
import { counted, nothingSeen, type Census } from './progress.ts'
import type { Sighting, Survey } from './survey.ts'
import { verify, type BadShard } from './verify.ts'

const batchBlocks = 64
const toldMax = 100 // Blocks and shards that are told one by one; all are counted.

/** A block that survives fewer losses than it should. */
export interface WeakBlock {
  /** Its address. */
  readonly block: string
  /** −1: it is lost. */
  readonly survives: number
  /** How many members should be able to vanish. */
  readonly wanted: number
  /** Who mends it: the first of its holders. Absent: too few members are here for more. */
  readonly mender?: string
}

/** How a blob stands. */
export interface Examination extends Census {
  /** Of each code, how many blocks should be coded so, and are. */
  readonly codes: Readonly<Record<string, number>>
  /** Those worst off first. */
  readonly weak: readonly WeakBlock[]
  /** Shards that were fetched and are not what their layouts promise; none when it was not deep. */
  readonly bad: readonly BadShard[]
  /** How many there are; `bad` has the first hundred. */
  readonly badShards: number
}

export interface ExamineParts {
  readonly survey: Survey
  readonly aims: () => Aims
  /** Every shard is fetched and checked. */
  readonly isDeep: boolean
  readonly signal: AbortSignal
  readonly report?: (blocks: number) => void
}

/** Looks at every block of a blob: what its holders have, and with `isDeep` whether it is right. */
export async function examine(
  blocks: AsyncIterable<Address>,
  parts: ExamineParts,
): Promise<Examination> {
  const examining = new Examining(parts)
  let batch: Address[] = []
  for await (const block of blocks) {
    batch.push(block)
    if (batch.length < batchBlocks) continue
    await examining.look(batch)
    batch = []
  }
  await examining.look(batch)
  return examining.outcome()
}

class Examining {
  readonly #parts: ExamineParts
  readonly #codes: Record<string, number> = {}
  readonly #bad: BadShard[] = []
  #weak: WeakBlock[] = []
  #badShards = 0
  #census: Census = nothingSeen

  constructor(parts: ExamineParts) {
    this.#parts = parts
  }

  async look(blocks: readonly Address[]): Promise<void> {
    if (blocks.length === 0) return
    const { survey, signal, isDeep, aims, report = () => {} } = this.#parts
    for (const seen of await survey.look(blocks, { signal, isWide: true })) {
      const sighting = isDeep ? await this.#verified(seen) : seen
      this.#note(sighting, assess(sighting, aims()))
      report(this.#census.blocks)
    }
  }

  outcome(): Examination {
    const [weak, bad] = [this.#weak, this.#bad]
    return { ...this.#census, codes: this.#codes, weak, bad, badShards: this.#badShards }
  }

  async #verified(seen: Sighting): Promise<Sighting> {
    const { sighting, bad } = await verify(seen, this.#parts.signal)
    this.#badShards += bad.length
    this.#bad.push(...bad.slice(0, toldMax - this.#bad.length))
    return sighting
  }

  #note({ block, order, held }: Sighting, verdict: Verdict): void {
    const { survives, wanted, code, isComplete } = verdict
    this.#census = counted(this.#census, survives, wanted)
    const name = formatCode(code)
    if (survives >= wanted) this.#codes[name] = (this.#codes[name] ?? 0) + 1
    if (survives >= wanted) return
    const first = [...order, ...held.keys()].find((holder) => held.has(holder))
    const weak = {
      block: formatAddress(block),
      survives,
      wanted,
      mender: isComplete ? undefined : first?.member.name,
    }
    this.#weak = [...this.#weak, weak].sort((a, b) => a.survives - b.survives).slice(0, toldMax)
  }
}
