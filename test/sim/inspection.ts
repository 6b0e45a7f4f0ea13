import type { MendProgress } from '../../src/mend/progress.ts'
import type { Content } from './contents.ts'
import { holdings, spareOf, survivalBy, type Spread } from './oracle.ts'
import { policyFor } from '../../src/coding/code.ts'
import type { People } from './people.ts'
import type { World } from './world.ts'

/** What there is in the end. */
export interface Remains {
  readonly blobs: number
  /** Those that are lost, which is only right when too few shards are left. */
  readonly lost: number
}

const mendedMs = 3_600_000 // More than enough for a swarm to find and mend whatever there is.
const lookMs = 5_000
const liarsMs = 120_000 // Who is lied to never has done: so much is mended, and much in vain.

/** After the storm: waits until the swarm has mended itself, and looks at everything. */
export async function inspect(
  world: World,
  people: People,
  { hasLiars }: { hasLiars: boolean },
): Promise<Remains> {
  if (hasLiars) await world.clock.sleep(liarsMs)
  else await untilMended(world, people)
  await proveWorking(world, people)
  const lost = await readAll(world, people, { hasLiars })
  const blobs = people.stored.size
  await untilEmpty(world, people)
  await world.close()
  checkSlots(world)
  return { blobs, lost }
}

/** Until every block that is not lost survives what it should, is kept once, and everyone says so. */
async function untilMended(world: World, people: People): Promise<void> {
  const { clock } = world
  const calmAt = clock.now()
  for (;;) {
    await clock.sleep(lookMs)
    const flaws = [...(await flawsOf(world, people)), ...doubtsOf(world, calmAt)]
    if (flaws.length === 0) return
    if (clock.now() - calmAt < mendedMs) continue
    for (const flaw of flaws) world.accuse('', flaw)
    return
  }
}

/** What the disks show. */
async function flawsOf(world: World, people: People): Promise<string[]> {
  const all = await holdings(world.machines)
  const code = world.code ?? policyFor(world.storing().length)
  const wanted = code.n - code.k
  return [...new Set([...people.stored.keys()].flatMap(({ blocks }) => blocks))].flatMap(
    (block) => {
      if (spareOf(block, all) < 0) return []
      const spreads = [...all.get(block)!.values()]
      const survives = Math.max(...spreads.map(survivalBy))
      const about = `block ${block} (${formatSpreads(spreads)})`
      if (survives < wanted) return [`${about} survives ${survives} losses, not ${wanted}`]
      return spreads.length > 1 ? [`${about} is kept twice`] : []
    },
  )
}

/** What the nodes themselves say. */
function doubtsOf(world: World, calmAt: number): string[] {
  const isDone = ({ passedAt = 0, waiting, census }: MendProgress) =>
    passedAt > calmAt && waiting === 0 && census.below === 0
  return world.up().flatMap(({ id, life }) => {
    const { progress } = life!.mender
    return isDone(progress) ? [] : [`${id} is not content: ${JSON.stringify(progress)}`]
  })
}

function formatSpreads(spreads: readonly Spread[]): string {
  const homesOf = ({ homes }: Spread) =>
    [...homes].map(([{ id }, indexes]) => `${id} has ${[...indexes].join('+')}`).join(', ')
  return spreads.map((spread) => `${spread.k} of ${spread.n}: ${homesOf(spread)}`).join('; ')
}

/** In fine weather everything works at once. */
async function proveWorking(world: World, people: People): Promise<void> {
  for (const machine of world.readers()) {
    const content = world.pick(people.contents)!
    if (!(await people.put(machine, content)))
      world.accuse(machine.id, 'does not put in calm weather')
  }
}

/** Everything that was acknowledged is there and given, but for what weather or liars took. How much they did. */
async function readAll(
  world: World,
  people: People,
  { hasLiars }: { hasLiars: boolean },
): Promise<number> {
  const all = await holdings(world.machines)
  const lostOf = ({ blocks }: Content) => blocks.filter((block) => spareOf(block, all) < 0)
  let count = 0
  for (const content of people.stored.keys()) {
    const machine = world.pick(world.readers())
    const isRead = machine !== undefined && (await people.get(machine, content))
    const lost = lostOf(content)
    if (lost.length > 0) count += 1
    else if (!isRead) world.accuse('', `${content.name} is there and not given`)
    const unexplained = lost.filter((block) => !hasLiars && !world.struck.has(block))
    for (const block of unexplained) world.accuse('', `block ${block} of ${content.name} is lost`)
  }
  return count
}

/** When everything is removed, all of it goes, but for what those have leased who are dead for good. */
async function untilEmpty(world: World, people: People): Promise<void> {
  const { clock } = world
  for (const [content, owners] of [...people.stored]) {
    for (const owner of owners) if (owner.life !== undefined) await people.remove(owner, content)
  }
  const dead = new Set(world.machines.filter(({ life }) => life === undefined).map(({ id }) => id))
  const removedAt = clock.now()
  for (;;) {
    await clock.sleep(lookMs)
    const left = await leftovers(world, dead)
    if (left.length === 0) return
    if (clock.now() - removedAt < mendedMs) continue
    for (const each of left) world.accuse('', each)
    return
  }
}

/** What is kept though nobody wants it. */
async function leftovers(world: World, dead: ReadonlySet<string>): Promise<string[]> {
  const left: string[] = []
  for (const { id, disk, leases } of world.up().filter(({ isLiar }) => !isLiar)) {
    for await (const { block, index } of disk.kept.list()) {
      const owners = leases.book.of(block).map(({ owner }) => owner)
      if (owners.some((owner) => dead.has(owner))) continue
      const wanted = owners.length > 0 ? `leased by ${owners.join(', ')}` : leases.book.wants(block)
      left.push(`${id} still has shard ${index} of ${String(block)}: ${wanted}`)
    }
  }
  return left
}

/** All lives are over, also those that ended badly. */
function checkSlots(world: World): void {
  for (const { inUse } of world.pools) {
    if (inUse > 0) world.accuse('', `${inUse} slots of a pool were not given back`)
  }
}
