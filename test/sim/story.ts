import { messageOf } from '../../src/base/error.ts'
import { between, seededRandom, type Random } from '../../src/base/random.ts'
import { contentsOf } from './contents.ts'
import { inspect, type Remains } from './inspection.ts'
import { People } from './people.ts'
import { Weather } from './weather.ts'
import { World } from './world.ts'

/** What became of one seed. */
export interface Outcome {
  readonly seed: number
  readonly operations: number
  /** Operations that the weather made fail. */
  readonly failures: number
  readonly faults: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly events: readonly string[]
  /** How long it took, in the machines' time. */
  readonly lastedMs: number
  readonly remains: Remains
}

const operationsMin = 200
const contentsCount = 20
const betweenMs = 1_500 // From one operation to the next, on average: several are under way at once.

/** Machines to begin with: each code of the policy is aimed at in some story; many cost the most time. */
const [few, some, many] = [
  [1, 4],
  [4, 8],
  [8, 13],
] as const

/** What differs from seed to seed. */
function kindOf(random: Random) {
  const lot = random.fraction()
  const [least, most] = lot < 0.2 ? few : lot < 0.8 ? some : many
  const machines = between(random, least, most)
  const liars = machines >= 5 && random.fraction() < 0.3 ? between(random, 1, 3) : 0
  return {
    machines,
    liars,
    isFair: random.fraction() < 0.8,
    everyMs: between(random, 2_000, 12_000),
    zones: random.fraction() < 0.3 ? between(random, 2, 5) : undefined,
  }
}

/** One seed's story: a swarm, a storm while people store and read, and the calm after it. */
export async function tell(seed: number): Promise<Outcome> {
  const random = seededRandom(seed + 2 ** 33)
  const kind = kindOf(random)
  const world = new World(seed)
  const people = new People(world, await contentsOf(random, contentsCount))
  const work = play(world, people, kind)
  let remains: Remains = { blobs: 0, lost: 0 }
  try {
    remains = await world.clock.run(work)
  } catch (error) {
    world.accuse('', `the story ends badly: ${messageOf(error)}`)
  }
  const { operations, failures } = people
  const { violations, events, faults, clock } = world
  world.say('', `${clock.steps} steps`)
  const lastedMs = clock.age
  return {
    seed,
    operations,
    failures,
    faults: Object.fromEntries(faults),
    violations,
    events,
    lastedMs,
    remains,
  }
}

async function play(
  world: World,
  people: People,
  kind: ReturnType<typeof kindOf>,
): Promise<Remains> {
  world.say('', JSON.stringify(kind))
  for (let at = 0; at < kind.machines; at++) {
    const role = at > 0 && world.random.fraction() < 0.3 ? 'storage' : 'reader'
    const zone = kind.zones === undefined ? '' : `zone ${at % kind.zones}`
    world.add({ role, zone, isLiar: at >= kind.machines - kind.liars })
    await world.clock.sleep(500)
  }
  await world.clock.sleep(5_000)
  const machines = [Math.min(kind.machines, 4), 12] as const
  const weather = new Weather(world, people, { ...kind, machines })
  const storm = weather.storm(operationsMin * betweenMs)
  await beBusy(world, people)
  await storm
  world.calm()
  return inspect(world, people, { hasLiars: kind.liars > 0 })
}

/** Operations, several at once, until there have been enough; resolves when all have settled. */
async function beBusy(world: World, people: People): Promise<void> {
  const doing: Promise<void>[] = []
  while (doing.length < operationsMin) {
    await world.clock.sleep(world.random.fraction() * 2 * betweenMs)
    doing.push(people.doSomething())
  }
  await Promise.all(doing)
}
