import { shardFiles } from '../src/cli/damage.ts'
import { statusOf, type Citizen } from '../src/cli/town.ts'
import type { MendProgress } from '../src/mend/progress.ts'
import { never } from './blobs.ts'
import { cpuSeconds } from './cpu.ts'

/** What some nodes say of themselves, and what the system says of their processes. */
export interface Look {
  readonly storedBytes: number
  readonly movedBytes: number
  readonly cpuSeconds: number
  readonly isWhole: boolean
}

/** Looks at all of them. They find all in order once they have looked through everything `since`. */
export async function look(citizens: readonly Citizen[], since = 0): Promise<Look> {
  const all = await Promise.all(citizens.map((citizen) => statusOf(citizen, never)))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    storedBytes: sum(all.map(({ bytes }) => bytes ?? 0)),
    movedBytes: sum(all.map(({ mend }) => mend!.movedBytes)),
    cpuSeconds: sum(citizens.map(cpuSeconds)),
    isWhole: all.every(({ mend, members }) => {
      return members.length === citizens.length - 1 && isInOrder(mend!, since)
    }),
  }
}

function isInOrder({ passedAt, pass, waiting, census }: MendProgress, since: number): boolean {
  const isQuiet = passedAt !== undefined && passedAt > since && pass === undefined && waiting === 0
  return isQuiet && census.below + census.lost === 0
}

/** How many nodes have something of each block, as their folders show. */
export async function spreadOver(citizens: readonly Citizen[]): Promise<Map<string, number>> {
  const spread = new Map<string, number>()
  for (const { folder } of citizens) {
    const blocks = new Set<string>()
    for await (const { block } of shardFiles(folder)) blocks.add(block)
    for (const block of blocks) spread.set(block, (spread.get(block) ?? 0) + 1)
  }
  return spread
}
