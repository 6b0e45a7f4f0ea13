import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../src/base/log.ts'
import { getBack } from '../../src/cli/demoSteps.ts'
import { isRunning, statusOf, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import type { Config } from '../../src/daemon/config.ts'
import type { Finding } from '../../src/node/gather.ts'
import { openDiskStore } from '../../src/store/disk.ts'
import { until } from './networkTown.ts'

const { signal } = new AbortController()
const patienceMs = 60_000
const glanceMs = 30

/** The others look every second and a half who is here. */
export const missedMs = 2_500

/** Whoever is silent for a second and a half is away: what takes minutes elsewhere takes seconds here. */
export const hasty: Partial<Config> = {
  awayMs: 1_500,
  heartbeatMs: 500,
  without: ['lan', 'dht', 'router', 'catalog'],
}

/** A swarm of so many real nodes that are about to be treated badly. */
export async function openTown(
  nodes: number,
  name: string,
  config: Partial<Config> = {},
): Promise<Town> {
  await warmUp()
  const town = new Town(await mkdtemp(join(tmpdir(), `drey-${name}-`)), { ...hasty, ...config })
  try {
    for (let at = 0; at < nodes; at++) await town.add(at === 0 ? 'issuer' : 'reader')
    await town.gathered(signal)
    return town
  } catch (error) {
    await town[Symbol.asyncDispose]()
    throw error
  }
}

/** What was acknowledged to whoever put it, and has to come back for ever. */
export class Promises {
  readonly #hashes = new Map<string, string>()

  add(address: string, bytes: Uint8Array): void {
    this.#hashes.set(address, hashOf(bytes))
  }

  list() {
    return [...this.#hashes.keys()]
  }

  /** Reads all of it at this node; what the reads met on the way. */
  async areKeptAt(citizen: Citizen): Promise<Finding[]> {
    const met: Finding[] = []
    for (const [address, promised] of this.#hashes) {
      const { hash, findings } = await getBack(address, citizen, { quiet: true }, signal)
      assert.equal(hash, promised, `${address} at ${citizen.name}: other bytes`)
      met.push(...findings)
    }
    return met
  }
}

/** What is on the disk of a node that does not run is whole: no half shard under a name, and none set aside. */
export async function holdsOnlyWhole({ folder, name }: Citizen): Promise<void> {
  await using store = await openDiskStore(folder.store, { log: silentLog })
  for (const shard of await Array.fromAsync(store.list())) {
    assert.ok((await store.get(shard)) !== undefined, `${name}: ${shard.block} is not whole`)
  }
  assert.deepEqual(await setAside({ folder }), [])
}

/** Names of the files that a node has set aside because they had rotted. */
export function setAside({ folder }: Pick<Citizen, 'folder'>): Promise<string[]> {
  return readdir(join(folder.store, 'quarantine'))
}

/** No running node has a file that is not finished, once what is under way has ended. */
export async function areTidy({ citizens }: Town): Promise<void> {
  for (const citizen of citizens.filter(isRunning)) {
    const isTidy = async () => (await unfinished(citizen)).length === 0
    await until(isTidy, patienceMs, `${citizen.name} has no unfinished file`)
  }
}

async function unfinished({ folder }: Citizen): Promise<string[]> {
  const own = (await readdir(folder.path)).filter((file) => file.endsWith('.tmp'))
  return [...own, ...(await readdir(join(folder.store, 'tmp')))]
}

/**
 * Waits until every node has looked through what it holds, and found everything coded like this. Of a put
 * that was cut off there may be shards of blocks that nobody was promised: too few, and of no account here.
 */
export async function areWell(town: Town, code: string): Promise<void> {
  let seen = ''
  const isWell = async () => {
    const running = town.citizens.filter(isRunning)
    const all = await Promise.all(running.map((citizen) => statusOf(citizen, signal)))
    seen = JSON.stringify(all.map(({ name, members, mend }) => [name, members.length, mend]))
    const blocks = all.reduce((sum, { mend }) => sum + mend!.census.blocks, 0)
    return (
      blocks > 0 &&
      all.every(({ mend, members }) => {
        const { passedAt, census, waiting, pass } = mend!
        const isQuiet = passedAt !== undefined && pass === undefined && waiting === 0
        const isWhole = census.below === 0 && mend!.code === code
        return isQuiet && isWhole && members.length === running.length - 1
      })
    )
  }
  await until(isWell, patienceMs, () => `all is coded ${code}: ${seen}`, glanceMs)
}

/** Waits until some node has moved shards that it had not moved `since`. */
export async function areMoving({ citizens }: Town, since: Moved): Promise<void> {
  const isMoving = async () =>
    [...(await moved(citizens))].some(([process, bytes]) => bytes > (since.get(process) ?? 0))
  await until(isMoving, patienceMs, 'some node moves shards', glanceMs)
}

/** Bytes that each running node has moved while it looked after blocks. */
export type Moved = ReadonlyMap<ChildProcess, number>

export async function moved(citizens: readonly Citizen[]): Promise<Moved> {
  const bytesOf = async (citizen: Citizen) =>
    [citizen.process, (await statusOf(citizen, signal)).mend!.movedBytes] as const
  return new Map(await Promise.all(citizens.filter(isRunning).map(bytesOf)))
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
