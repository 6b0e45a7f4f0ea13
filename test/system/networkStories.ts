import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Citizen } from '../../src/cli/town.ts'
import { comesBack, membersAt, put, until, type NetworkTown } from './networkTown.ts'

/** Milliseconds in which the two sides of a partition that heals agree again; and for a machine that is busy. */
export const healMs = 30_000
const slackMs = 15_000

/**
 * Parts a town in two; somebody joins one side, and data is put there. Then it heals, both sides agree, and the
 * data is read at the other side. How long agreeing took.
 */
export async function partition(
  town: NetworkTown,
  cutOff: readonly Citizen[],
  { lastsMs, bytes }: { lastsMs: number; bytes: Uint8Array },
): Promise<number> {
  const [founder] = town.citizens as [Citizen]
  await town.network.part(town.hostsOf(cutOff))
  const healsAt = Date.now() + lastsMs
  await until(
    async () => (await liveAt(founder)) === remaining(town, cutOff),
    lastsMs,
    'it is noticed',
  )
  const newcomer = await town.add('storage')
  const address = await put(founder, bytes)
  await sleep(Math.max(0, healsAt - Date.now()))
  for (const citizen of cutOff) {
    assert.equal(
      await liveAt(citizen),
      cutOff.length - 1,
      `${citizen.name} sees its own side alone`,
    )
    const knows = (await membersAt(citizen)).some(({ name }) => name === newcomer.name)
    assert.ok(!knows, `${citizen.name} has not heard of the newcomer`)
  }
  await town.network.heal()
  const tookMs = await until(() => town.agrees(), healMs + slackMs, 'both sides agree')
  await comesBack(cutOff[0]!, address, bytes)
  return tookMs
}

/** How many others a node calls live. */
async function liveAt(citizen: Citizen): Promise<number> {
  return (await membersAt(citizen)).filter(({ state }) => state === 'live').length
}

function remaining(town: NetworkTown, cutOff: readonly Citizen[]): number {
  return town.citizens.length - cutOff.length - 1
}
