import { parseCode } from '../coding/code.ts'
import { membershipDefaults } from '../discovery/limits.ts'
import { mendDefaults, type MendLimits } from '../mend/limits.ts'
import { Mender, type MenderParts } from '../mend/mender.ts'
import { configDefaults, type Config } from './config.ts'

/** Has the node look after the blocks of which it holds shards. */
export function openMender(parts: MenderParts, config: Config): Mender {
  const { code, repairBytesPerSecond = configDefaults.repairBytesPerSecond } = config
  return new Mender(parts, {
    bytesPerSecond: repairBytesPerSecond,
    code: code === undefined ? undefined : parseCode(code),
    limits: limitsOf(config),
  })
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
