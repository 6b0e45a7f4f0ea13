import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Leases } from '../lease/leases.ts'
import type { Listed } from '../lease/listed.ts'
import type { OwnLease } from '../lease/own.ts'
import { decodeCatalog, encodeCatalog } from '../names/catalogRows.ts'
import type { Catalogs } from '../names/catalogs.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Orchestrator } from './orchestrator.ts'

export interface OwnCatalogParts {
  readonly node: Pick<Orchestrator, 'put' | 'find' | 'read' | 'leasing'>
  readonly leases: Leases
  readonly catalogs: Catalogs
  readonly clock: Clock
  readonly log: Log
}

const defaults = {
  lookMs: 1_000,
  /** A long list rests as many times longer than storing it took. */
  rests: 20,
  /** After it could not be stored. */
  againMs: 30_000,
  closingMs: 5_000,
} as const

const batchEntries = 256

/**
 * The list of what this node stored, kept in the swarm as a sealed blob of its own, so that it is there again
 * when the machine is lost: soon after each change it is stored anew, and members are told where.
 */
export class OwnCatalog implements AsyncDisposable {
  readonly #parts: OwnCatalogParts
  readonly #isTold: boolean
  readonly #over = new AbortController()
  readonly #running: Promise<void>

  /** With `isTold` false nobody is told of what is stored here; others' catalogs can be taken over all the same. */
  constructor(parts: OwnCatalogParts, { isTold }: { isTold: boolean }) {
    this.#parts = parts
    this.#isTold = isTold
    this.#running = isTold ? this.#run() : Promise.resolve()
  }

  /** Stores it as it is now, and tells where, unless others know it already. Throws as a put. */
  async store(signal: AbortSignal): Promise<void> {
    const { leases, catalogs } = this.#parts
    const { list } = leases
    const { changes } = list
    if (changes === list.told) return
    if (list.isEmpty) {
      await catalogs.tell({ count: 0, size: 0 })
      await this.#end(list.catalogs(), signal)
    } else await this.#storeAll(signal)
    await list.markTold(changes)
  }

  async #storeAll(signal: AbortSignal): Promise<void> {
    const { node, leases, catalogs } = this.#parts
    const { list } = leases
    const sum = { count: 0, size: 0 }
    const content = encodeCatalog(adding(list.entries(), sum))
    const { address } = await node.put(content, { lease: { isCatalog: true }, signal })
    const all = list.catalogs()
    await catalogs.tell({ ...sum, address, lease: all.at(-1)!.secret })
    await this.#end(all.slice(0, -1), signal)
  }

  async #end(unneeded: readonly OwnLease[], signal: AbortSignal): Promise<void> {
    if (unneeded.length === 0) return
    const secrets = unneeded.map(({ secret }) => secret)
    await this.#parts.node.leasing.end(secrets, signal)
  }

  /**
   * Takes over what another member stored, as if it was stored here: it is in this node's list, and can be
   * removed from here. How many blobs were not in it before. Throws 'not-found', and as a read.
   */
  async takeOver(
    member: PeerId,
    { signal, report }: { signal: AbortSignal; report: (count: number) => void },
  ): Promise<{ count: number; fresh: number }> {
    const { node, leases, catalogs } = this.#parts
    const { address } = catalogs.of(member)
    const done = { count: 0, fresh: 0 }
    if (address === undefined) return done
    const blob = await node.find(address, undefined, { signal })
    const bytes = node.read(blob, { start: 0, end: blob.size }, { signal })
    for await (const batch of batches(decodeCatalog(bytes))) {
      done.fresh += await leases.list.adopt(batch)
      done.count += batch.length
      report(done.count)
    }
    return done
  }

  /** Others are told of what they have not heard, if that is quick. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('the node is closing'))
    await this.#running
    if (this.#isTold) await this.#tried(AbortSignal.timeout(defaults.closingMs))
  }

  async #run(): Promise<void> {
    const { clock, leases } = this.#parts
    const { signal } = this.#over
    const rest = (ms: number) => clock.sleep(ms, signal).catch(() => {}) // Only when the node closes.
    let seen = leases.list.told
    while (!signal.aborted) {
      await rest(defaults.lookMs)
      const { changes, told } = leases.list
      const isQuiet = changes === seen
      seen = changes
      if (signal.aborted || changes === told || !isQuiet) continue
      const from = clock.now()
      const isStored = await this.#tried(signal)
      const tookMs = Math.max(0, clock.now() - from)
      await rest(isStored ? tookMs * defaults.rests : defaults.againMs)
    }
  }

  async #tried(signal: AbortSignal): Promise<boolean> {
    try {
      await this.store(signal)
      return true
    } catch (error) {
      const why = messageOf(error)
      if (!signal.aborted) this.#parts.log.info('the catalog could not be stored yet', { why })
      return false
    }
  }
}

function* adding(entries: Iterable<Listed>, sum: { count: number; size: number }) {
  for (const entry of entries) {
    sum.count += 1
    sum.size += entry.size ?? 0
    yield entry
  }
}

async function* batches(entries: AsyncIterable<Listed>): AsyncGenerator<Listed[]> {
  let batch: Listed[] = []
  for await (const entry of entries) {
    batch.push(entry)
    if (batch.length < batchEntries) continue
    yield batch
    batch = []
  }
  yield batch
}
