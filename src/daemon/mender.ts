import type { Address } from '../address/address.ts'
import { parseCode } from '../coding/code.ts'
import { membershipDefaults } from '../discovery/limits.ts'
import { blocksBelow } from '../folder/blocks.ts'
import type { CarParts } from '../gateway/car.ts'
import type { CheckParts } from '../gateway/check.ts'
import { examine } from '../mend/examine.ts'
import { Covering } from '../mend/covering.ts'
import { keepBlob, type KeepOptions } from '../mend/keepBlob.ts'
import type { Lease } from '../lease/lease.ts'
import { planOperations, type PlanParts } from '../mend/planning.ts'
import type { PlanChange } from '../gateway/plan.ts'
import { planner } from './planning.ts'
import { mendDefaults, type MendLimits } from '../mend/limits.ts'
import { Mender, type MenderParts } from '../mend/mender.ts'
import { Shape } from '../mend/shape.ts'
import { inAll, standingOf, standingOperations, standings } from '../mend/standing.ts'
import { Survey } from '../mend/survey.ts'
import type { Operations } from '../node/serve.ts'
import { configDefaults, type Config } from './config.ts'

export interface MendingParts extends MenderParts {
  readonly config: Config
  /** Open for one command alone: it looks, and does nothing. */
  readonly isVisit: boolean
}

/** How a node looks after the blocks of which it holds shards, and says how blocks stand. */
export interface Mending extends CheckParts, AsyncDisposable {
  readonly mender?: Mender
  readonly operations: Operations
  readonly plan: PlanChange
  readonly keep: (root: Address, options: KeepOptions) => Promise<{ blocks: number }>
  readonly covering: (lease: Lease, signal: AbortSignal) => Covering
  readonly importCar: CarParts['importCar']
}

export function openMending(parts: MendingParts): Mending {
  const { node, membership, config, isVisit } = parts
  const code = config.code === undefined ? undefined : parseCode(config.code)
  const { repairBytesPerSecond: bytesPerSecond = configDefaults.repairBytesPerSecond } = config
  const limits = limitsOf(config)
  const { circle } = node
  const shape = new Shape({ ...parts, circle, code, limits })
  const survey = new Survey(circle)
  const mender = isVisit ? undefined : new Mender(parts, { bytesPerSecond, code, limits })
  const plan: PlanParts = { ...parts, circle, survey, aims: () => shape.aims() }
  const keeping = { node, survey, aims: () => shape.aims() }
  const own = () => mender && standingOf(membership.own.name, mender.progress)
  return {
    mender,
    operations: {
      ...(mender ? standingOperations(() => mender.progress) : {}),
      ...planOperations(plan),
    },
    plan: planner(plan, { membership, bytesPerSecond }),
    examine: (root, options) =>
      examine(blocksBelow(node, root, options), { ...options, survey, aims: () => shape.aims() }),
    keep: (root, options) => keepBlob(root, keeping, options),
    covering: (lease, signal) => new Covering(keeping, lease, signal),
    async importCar(source, options) {
      const { importCar } = await import('../mend/importCar.ts') // Seldom needed: not from the start.
      return importCar(source, keeping, options)
    },
    async all(signal) {
      const members = await standings(membership, own(), signal)
      return { total: inAll(members), members }
    },
    [Symbol.asyncDispose]: async () => mender?.[Symbol.asyncDispose](),
  }
}

/** Whoever counts members as away sooner than usual has everything else sooner too. */
function limitsOf({ awayMs = membershipDefaults.awayMs, goneMs }: Config): MendLimits {
  const { tickMs, settleMs, againMs, retryMs, safeMs, passMs } = mendDefaults
  const atMost = (ms: number) => Math.min(ms, awayMs)
  return {
    tickMs: atMost(tickMs),
    settleMs: atMost(settleMs),
    againMs: atMost(againMs),
    retryMs: atMost(retryMs),
    safeMs: atMost(safeMs),
    passMs,
    returnMs: awayMs,
    goneMs: goneMs ?? mendDefaults.goneMs,
  }
}
