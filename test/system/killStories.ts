import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { setTimeout as rest } from 'node:timers/promises'
import { between, seededRandom, type Random } from '../../src/base/random.ts'
import { shardFiles } from '../../src/cli/damage.ts'
import { isRunning, Town, type Citizen } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { until } from './networkTown.ts'
import {
  areMoving,
  areTidy,
  areWell,
  holdsOnlyWhole,
  missedMs,
  moved,
  openTown,
  Promises,
} from './fire.ts'

const patienceMs = 60_000
const { signal } = new AbortController()
const nodes = 6 // 4 of 6: one may be gone, and another be killed.
const gone = 3 // Nobody who was asked has it: not all are met again yet, perhaps.
const clearFailures = [gone, 4, 5, 8] // Not enough shards, not enough members, unreachable.
const config = {
  graceMs: 1_000, // What nobody wants any more goes soon.
  goneMs: 4_000, // Longer than it takes to be missed, and to start again.
  repairBytesPerSecond: 10 * 2 ** 20, // A pass takes seconds, so that there is something to interrupt.
}

/** A round of a story: kills some nodes while they do something, and says how many. */
export type Round = (fire: UnderFire) => Promise<number>

/** A swarm whose nodes are killed and started again, at instants that a seed gives. */
export class UnderFire implements AsyncDisposable {
  readonly town: Town
  readonly random: Random
  readonly promises = new Promises()

  private constructor(town: Town, random: Random) {
    this.town = town
    this.random = random
  }

  static async open(seed: number): Promise<UnderFire> {
    return new UnderFire(await openTown(nodes, 'kill', config), seededRandom(seed))
  }

  /** Goes through rounds until so many were killed; then everything must be as if nobody had been. */
  async kill(times: number, round: Round): Promise<void> {
    for (let killed = 0; killed < times;) killed += await round(this)
    for (const citizen of this.pick(2)) await this.promises.areKeptAt(citizen)
    await areTidy(this.town)
  }

  /**
   * Kills one without warning, looks at its disk, and starts it again; after a command has ended that
   * was sent to it, and may go on in its folder by itself.
   */
  async killOne(victim: Citizen, command?: Promise<unknown>): Promise<void> {
    await this.town.kill(victim)
    await command
    await holdsOnlyWhole(victim)
    await this.town.restart(victim)
    await this.town.gathered(signal)
  }

  /** Some instant soon. */
  async instant(ms: number): Promise<void> {
    await rest(between(this.random, 0, ms))
  }

  /** So many different nodes of those that run. */
  pick(count: number): Citizen[] {
    const left = this.town.citizens.filter(isRunning)
    return Array.from(
      { length: count },
      () => left.splice(between(this.random, 0, left.length), 1)[0]!,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.town[Symbol.asyncDispose]()
  }
}

/** While a blob is put: by the node that is killed or by another. */
export async function duringPut(fire: UnderFire): Promise<number> {
  const [putter, other] = fire.pick(2) as [Citizen, Citizen]
  const bytes = fire.random.bytes(3 * 2 ** 20 + 1)
  const putting = drey(['--data', putter.folder.path, 'put', '-'], bytes)
  await fire.instant(800) // From the command's start to after its end.
  const victim = fire.random.fraction() < 0.3 ? putter : other
  await fire.killOne(victim, victim === putter ? putting : undefined)
  const { code, stdout, stderr } = await putting
  if (code === 0) fire.promises.add(stdout.toString().trim(), bytes)
  else failsClearly(code, stderr)
  return 1
}

/** While a blob is read: through the node that is killed, which may fail, or through another, which may not. */
export async function duringGet(fire: UnderFire): Promise<number> {
  const [getter, other] = fire.pick(2) as [Citizen, Citizen]
  const bytes = fire.random.bytes(3 * 2 ** 20 + 1)
  const put = await drey(['--data', other.folder.path, 'put', '-'], bytes)
  assert.equal(put.code, 0, put.stderr)
  const address = put.stdout.toString().trim()
  fire.promises.add(address, bytes)
  const getting = drey(['--data', getter.folder.path, 'get', address])
  await fire.instant(800)
  const victim = fire.random.fraction() < 0.3 ? getter : other
  await fire.killOne(victim, victim === getter ? getting : undefined)
  const { code, stdout, stderr } = await getting
  if (code === 0) assert.ok(stdout.equals(bytes), 'it came back byte for byte')
  else failsClearly(code, stderr)
  assert.ok(
    code === 0 || victim === getter,
    `another node was killed, and the read failed: ${stderr}`,
  )
  return 1
}

/** While the swarm mends what one node has lost: that one is killed, or one that mends. */
export async function duringMend(fire: UnderFire): Promise<number> {
  const { town, random } = fire
  await areWell(town, '4+2')
  const before = await moved(town.citizens)
  const [poor] = fire.pick(1) as [Citizen]
  await town.kill(poor)
  for await (const { path } of shardFiles(poor.folder)) if (random.fraction() < 0.6) await rm(path)
  await rest(missedMs)
  await town.restart(poor)
  await town.gathered(signal)
  await areMoving(town, before)
  for (const victim of fire.pick(2)) {
    await fire.instant(600)
    await fire.killOne(victim)
  }
  await areWell(town, '4+2')
  return 2
}

/** While blocks are coded anew: for a swarm that has lost a member for good, and for one that has it back. */
export async function duringRecode(fire: UnderFire): Promise<number> {
  const { town } = fire
  await areWell(town, '4+2')
  const [gone] = fire.pick(1) as [Citizen]
  await town.kill(gone)
  for (const code of ['3+2', '4+2']) {
    const before = await moved(town.citizens)
    if (code === '4+2') await town.restart(gone)
    await town.gathered(signal)
    await areMoving(town, before)
    await fire.instant(1_500)
    await fire.killOne(fire.pick(1)[0]!)
    await areWell(town, code)
  }
  return 2
}

/**
 * While garbage is collected: whoever removes a blob is killed, or another. Meanwhile somebody may put the same
 * bytes: then they stay.
 */
export async function duringCollect(fire: UnderFire): Promise<number> {
  const [owner, other, witness] = fire.pick(3) as [Citizen, Citizen, Citizen]
  const bytes = fire.random.bytes(3 * 2 ** 20 + 1)
  const put = (at: Citizen) => drey(['--data', at.folder.path, 'put', '-'], bytes)
  const first = await put(owner)
  assert.equal(first.code, 0, first.stderr)
  const address = first.stdout.toString().trim()
  const remove = () => drey(['--data', owner.folder.path, 'rm', address])
  const removing = remove()
  await fire.instant(1_500) // It is told, the grace time passes, and shards are removed.
  const putting = fire.random.fraction() < 0.5 ? put(witness) : undefined
  await fire.instant(500)
  const victim = fire.random.fraction() < 0.4 ? owner : other
  await fire.killOne(victim, victim === owner ? removing : undefined)
  const { code, stderr } = await removing
  if (code !== 0) {
    failsClearly(code, stderr)
    assert.ok([0, gone].includes((await remove()).code!), 'it is removed by now, or had been')
  }
  const again = await putting
  if (again?.code === 0) fire.promises.add(address, bytes)
  else if (again) failsClearly(again.code, again.stderr)
  else await isGone(address, witness)
  return 1
}

async function isGone(address: string, at: Citizen): Promise<void> {
  const isSo = async () => (await drey(['--data', at.folder.path, 'get', address])).code === gone
  await until(isSo, patienceMs, `${address} is gone`)
}

function failsClearly(code: number | null, stderr: string): void {
  assert.ok(clearFailures.includes(code!), `exit code ${code}: ${stderr}`)
  assert.match(stderr, /drey: \S/)
}
