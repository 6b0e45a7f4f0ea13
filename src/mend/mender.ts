import type { Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { mapAhead } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { formatCode, type Code } from '../coding/code.ts'
import type { Membership } from '../discovery/membership.ts'
import { Refusals } from '../node/handOver.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Leases } from '../lease/leases.ts'
import type { Crew } from '../pipe/crew.ts'
import type { Pool } from '../pipe/pool.ts'
import type { Store } from '../store/store.ts'
import { assess, type Verdict } from './assess.ts'
import { Budget } from './budget.ts'
import { mendDefaults, type MendLimits } from './limits.ts'
import { counted, nothingSeen, type Census, type MendProgress } from './progress.ts'
import { mendsAtOnce, Repairs } from './repairs.ts'
import { shareLeases } from './shareLeases.ts'
import { Shape } from './shape.ts'
import { Survey, type Sighting } from './survey.ts'
import { tend } from './tend.ts'
import { batchesOf, type Owned } from './walk.ts'

const defaults = {
  batchBlocks: 16, // One question to each member for all of them. 128 took 4 MB more.
  tendedAtOnce: 4, // Hides the wait for others' disks.
  restTimes: 3, // While people wait, it rests three times as long as it works.
} as const

export interface MenderParts {
  readonly node: Orchestrator
  readonly membership: Membership
  readonly store: Store
  readonly leases: Leases
  readonly pool: Pool
  readonly crew: Crew
  readonly clock: Clock
  readonly log: Log
}

export interface MenderOptions {
  /** What it may fetch and send; an eighth of it while people read and write. */
  readonly bytesPerSecond: number
  /** What a person set in place of the swarm's policy. */
  readonly code?: Code
  readonly limits?: Partial<MendLimits>
}

type Done = Pick<MendProgress, 'handedOver' | 'removed' | 'failed'>

/**
 * Looks after the blocks of which this node has shards: mends those of which it is the first holder in
 * their order, codes them anew when the swarm aims at another code, hands over what others should have,
 * and removes what is of no use any more. It works without keys, begins anew whenever members have come
 * or gone, and may be stopped at any time: what is done is seen to be done.
 */
export class Mender implements AsyncDisposable {
  readonly #parts: MenderParts
  readonly #limits: MendLimits
  readonly #shape: Shape
  readonly #survey: Survey
  readonly #budget: Budget
  readonly #repairs: Repairs
  readonly #refusals: Refusals
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>
  #dueAt: number
  /** The next pass is because time has passed: whoever should have mended a block has not. */
  #isThorough = false
  /** Something in this pass has to be looked at again. */
  #hasDoubts = false
  #pass: MendProgress['pass']
  #passedAt: number | undefined
  #census = nothingSeen
  #done: Done = { handedOver: 0, removed: 0, failed: 0 }

  constructor(parts: MenderParts, options: MenderOptions) {
    const { node, pool, clock } = parts
    this.#parts = parts
    this.#limits = { ...mendDefaults, ...options.limits }
    const { circle, activity } = node
    this.#shape = new Shape({ ...parts, circle, code: options.code, limits: this.#limits })
    this.#survey = new Survey(circle)
    this.#budget = new Budget({ clock, activity, bytesPerSecond: options.bytesPerSecond })
    this.#refusals = new Refusals(clock)
    this.#dueAt = clock.now()
    this.#repairs = new Repairs({
      ...{ ...parts, survey: this.#survey, budget: this.#budget, lane: pool.quietLane() },
      book: parts.leases.book,
      ...{ aims: () => this.#shape.aims(), signal: this.#over.signal },
    })
    const menders = Array.from({ length: mendsAtOnce }, () =>
      this.#keep(() => this.#repairs.mendNext()),
    )
    this.#running = Promise.all([this.#keep(() => this.#look()), ...menders])
  }

  get progress(): MendProgress {
    const { target, now, set, members } = this.#shape.aims()
    const code = set ?? (target.n <= members ? target : now)
    return {
      code: formatCode(code),
      pass: this.#pass,
      passedAt: this.#passedAt,
      census: this.#census,
      ...this.#repairs.progress,
      ...{ handedOver: this.#done.handedOver, removed: this.#done.removed },
      failed: this.#done.failed + this.#repairs.progress.failed,
      movedBytes: this.#budget.movedBytes,
    }
  }

  /** Something of this block was found rotten or gone here: it is mended soon, whoever is first. */
  note(block: Address): void {
    this.#repairs.add(block, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('the node is closing'))
    await this.#running
  }

  /** Does something again and again until the node closes, resting when it says that nothing is to be done. */
  async #keep(work: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#over
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        if (!(await work())) await clock.sleep(this.#limits.tickMs, signal)
      } catch (error) {
        if (signal.aborted) return
        log.error('looking after blocks failed, and goes on', { error })
        await clock.sleep(this.#limits.tickMs, signal).catch(() => {}) // Only when the node closes.
      }
    }
  }

  /** Makes a pass when one is due. */
  async #look(): Promise<boolean> {
    const { clock } = this.#parts
    const { settleMs, passMs } = this.#limits
    if (this.#shape.hasChanged()) this.#becomeDue()
    const isDue = clock.now() >= this.#dueAt || this.#dueAt - clock.now() > passMs // Or the clock was set back.
    const isOccupied = this.#repairs.progress.waiting > 0 && this.#dueAt > 0
    if (!isDue || isOccupied || this.#shape.ageMs < settleMs || !this.#shape.isCalm) return false
    await this.#makePass()
    return true
  }

  #becomeDue(): void {
    this.#dueAt = 0
    this.#isThorough = false
  }

  async #makePass(): Promise<void> {
    const { clock, store } = this.#parts
    const before = this.progress
    const startedAt = clock.now()
    let census = nothingSeen
    let seen = 0
    this.#dueAt = startedAt + this.#limits.passMs
    this.#hasDoubts = false
    for await (const batch of batchesOf(store, defaults.batchBlocks)) {
      const { shards } = await store.usage()
      seen += batch.reduce((sum, { names }) => sum + names.length, 0)
      this.#pass = { startedAt, seen, total: Math.max(seen, shards) }
      const began = clock.now()
      census = await this.#examine(batch, census)
      await this.#giveWay(clock.now() - began)
      if (this.#passedAt === undefined) this.#census = census
    }
    this.#census = census
    this.#passedAt = clock.now()
    this.#pass = undefined
    if (this.#dueAt > 0) this.#planNext(before)
  }

  /** Looking is work for a disk and a processor that people may be waiting for. */
  async #giveWay(tookMs: number): Promise<void> {
    const { node, clock } = this.#parts
    if (node.activity.isBusy) await clock.sleep(tookMs * defaults.restTimes, this.#over.signal)
  }

  /** Soon when something was done, later when something could not be, and long after when all is well. */
  #planNext(before: MendProgress): void {
    const { againMs, retryMs, passMs } = this.#limits
    const now = this.progress
    const moves = ['mended', 'recoded', 'handedOver', 'removed'] as const
    const hasMoved = moves.some((what) => now[what] !== before[what])
    const hasMore = hasMoved || now.waiting > 0 || this.#repairs.takeDropped()
    const isStuck = now.failed > before.failed || this.#hasDoubts
    this.#isThorough = !hasMore
    this.#dueAt = this.#parts.clock.now() + (hasMore ? againMs : isStuck ? retryMs : passMs)
  }

  /** Judges some blocks; those that are this node's to mend go on the list, its own shards where they should be. */
  async #examine(batch: readonly Owned[], before: Census): Promise<Census> {
    const { signal } = this.#over
    signal.throwIfAborted()
    while (!this.#shape.isCalm) await this.#parts.clock.sleep(this.#limits.tickMs, signal)
    if (this.#shape.hasChanged()) this.#becomeDue() // This pass goes on with those who are here now.
    const aims = this.#shape.aims()
    const blocks = await this.#wantedOf(batch)
    const sightings = await this.#survey.look(blocks, { signal })
    let census = before
    const work = async (sighting: Sighting): Promise<void> => {
      const verdict = assess(sighting, aims)
      if (verdict.turn === 0) census = counted(census, verdict.survives, verdict.wanted)
      this.#enlist(sighting, verdict)
      const areShared = await shareLeases(sighting, this.#parts.leases.book, signal)
      if (sighting.isPartial) this.#hasDoubts = true
      else await this.#tend(sighting, verdict, areShared)
    }
    for await (const _ of mapAhead(sightings, defaults.tendedAtOnce, work));
    return census
  }

  /** What nobody wants is left alone: it goes when its time is over. */
  async #wantedOf(batch: readonly Owned[]): Promise<Address[]> {
    const { keeping } = this.#parts.node
    const wanted: Address[] = []
    for (const { block } of batch) {
      const how = keeping.book.wants(block)
      if (how === 'wanted') wanted.push(block)
      if (how === 'unknown') await keeping.noteOrphan(block)
    }
    return wanted
  }

  /** Another code is for the first holder alone to choose: two might not agree, and code it anew for ever. */
  #enlist({ block, order }: Sighting, verdict: Verdict): void {
    const { turn, isComplete, survives, wanted, code } = verdict
    const isBelow = survives < wanted
    const isLeftAlone = this.#isThorough && turn > 0 && isBelow
    if (!isComplete && (turn === 0 || isLeftAlone)) this.#repairs.add(block, survives)
    // Its shards may have been under way to where they belong, or somebody else brings them there.
    const canBeBetter = survives >= 0 && (!isComplete || order.length >= code.n)
    if (turn === 0 && isBelow && canBeBetter) this.#hasDoubts = true
  }

  async #tend(sighting: Sighting, verdict: Verdict, areShared: boolean): Promise<void> {
    const { signal } = this.#over
    const isSafe = areShared && this.#shape.ageMs >= this.#limits.safeMs
    const allowed = { ...verdict, surplus: isSafe ? verdict.surplus : [] }
    const { keeping } = this.#parts.node
    const parts = {
      ...this.#parts,
      keeping,
      budget: this.#budget,
      refusals: this.#refusals,
      signal,
    }
    const tended = await tend(sighting, allowed, parts)
    this.#did(tended)
    if (tended.removed < verdict.surplus.length) this.#hasDoubts = true
  }

  #did(more: Partial<Done>): void {
    const sum = (what: keyof Done) => this.#done[what] + (more[what] ?? 0)
    this.#done = { handedOver: sum('handedOver'), removed: sum('removed'), failed: sum('failed') }
  }
}
