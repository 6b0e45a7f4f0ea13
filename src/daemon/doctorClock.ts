import type { ClockDifference } from '../discovery/clocks.ts'
import { recordLimits } from '../discovery/record.ts'
import { bad, ok, warn, type Verdict } from './diagnosis.ts'

const warnMs = 60_000 // More than any network takes, or a clock that is kept right is off.

/** Whose clock is wrong: this machine's, when most members' differ from it; else that of who differs. */
export function compareClocks(
  answers: readonly ClockDifference[],
  nameOf: (id: string) => string,
): Verdict {
  const sorted = answers.toSorted((one, other) => one.aheadMs - other.aheadMs)
  const middle = sorted[sorted.length >> 1]
  if (middle === undefined) return ok('nobody is here to compare it with')
  const far = sorted.filter((each) => Math.abs(certain(each)) > warnMs)
  const [first] = far
  if (first === undefined) return ok(`it agrees with ${answers.length} others, within a minute`)
  const todo = 'set the clock, and have it kept right: timedatectl set-ntp true'
  if (far.length > answers.length / 2) {
    const ownMs = -certain(middle)
    const seen = `it is ${inSeconds(ownMs)} compared with ${answers.length} others`
    const isRefused = Math.abs(ownMs) > recordLimits.aheadMs // Others do not believe what comes from the future.
    return isRefused ? bad('not-allowed', seen, todo) : warn(seen, todo)
  }
  const name = nameOf(first.by)
  const seen = `that of ${name} is ${inSeconds(certain(first))} compared with this one`
  return warn(seen, `at ${name}: ${todo}`)
}

/** What is certain of a difference. */
function certain({ aheadMs, withinMs }: ClockDifference): number {
  return Math.sign(aheadMs) * Math.max(0, Math.abs(aheadMs) - withinMs)
}

function inSeconds(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  return `${seconds} seconds ${aheadMs > 0 ? 'ahead' : 'behind'}`
}
