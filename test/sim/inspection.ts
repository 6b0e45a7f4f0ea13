import type { MendProgress } from '../../src/mend/progress.ts'
import type { Content } from './contents.ts'
import { holdings, spareOf } from './oracle.ts'
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
  else await untilMended(world)
  await proveWorking(world, people)
  const lost = await readAll(world, people)
  await world.close()
  checkSlots(world)
  return { blobs: people.stored.size, lost }
}

/** Everyone has looked at all it has since the calm came, and found nothing to do. */
async function untilMended(world: World): Promise<void> {
  const { clock } = world
  const calmAt = clock.now()
  const isDone = ({ passedAt = 0, pass, waiting, census }: MendProgress) =>
    passedAt > calmAt && pass === undefined && waiting === 0 && census.below === 0
  const isMended = () => world.up().every(({ life }) => isDone(life!.mender.progress))
  while (!isMended()) {
    await clock.sleep(lookMs)
    if (clock.now() - calmAt < mendedMs) continue
    for (const { id, life } of world.up()) {
      const { progress } = life!.mender
      if (!isDone(progress)) world.accuse(id, `is not mended: ${JSON.stringify(progress)}`)
    }
    return
  }
}

/** In fine weather everything works at once. */
async function proveWorking(world: World, people: People): Promise<void> {
  for (const machine of world.readers()) {
    const content = world.pick(people.contents)!
    if (!(await people.put(machine, content)))
      world.accuse(machine.id, 'does not put in calm weather')
  }
}

/** Everything that was acknowledged is there, or lost with good reason. How many are. */
async function readAll(world: World, people: People): Promise<number> {
  const all = await holdings(world.machines)
  const isLost = ({ blocks }: Content) => blocks.some((block) => spareOf(block, all) < 0)
  for (const content of people.stored) {
    const machine = world.pick(world.readers())
    const isRead = machine !== undefined && (await people.get(machine, content))
    if (!isRead && !isLost(content)) world.accuse('', `${content.name} is there and not given`)
  }
  return [...people.stored].filter(isLost).length
}

/** All lives are over, also those that ended badly. */
function checkSlots(world: World): void {
  for (const { inUse } of world.pools) {
    if (inUse > 0) world.accuse('', `${inUse} slots of a pool were not given back`)
  }
}
