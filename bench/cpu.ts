import { readFileSync } from 'node:fs'
import type { Citizen } from '../src/cli/town.ts'

const ticksPerSecond = 100 // USER_HZ, as Linux tells it to programs.

/** User and system time of a process: fields 14 and 15 of proc(5)'s stat. */
export function cpuSeconds({ process }: Citizen): number {
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
