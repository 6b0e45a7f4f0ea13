import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import { askClocks } from '../discovery/clocks.ts'
import type { Seen } from '../discovery/membership.ts'
import type { Diagnosis } from '../gateway/doctor.ts'
import type { Config } from './config.ts'
import { examineFinders } from './doctorFinders.ts'
import { compareClocks } from './doctorClock.ts'
import { bad, looked, ok, warn, type Verdict } from './diagnosis.ts'
import { nameOfMember } from './names.ts'
import type { Swarm } from './swarm.ts'

export interface SwarmToExamine {
  readonly config: Config
  readonly swarm: Pick<Swarm, 'transporter' | 'membership' | 'reach' | 'dht' | 'finders'>
  readonly isVisit: boolean
  readonly clock: Clock
}

const dialedMax = 4 // Members that are missing, to say why.

/** Looks at how the node stands with others. It asks some of them, and dials those that are missing. */
export async function examineSwarm(
  parts: SwarmToExamine,
  signal: AbortSignal,
): Promise<Diagnosis[]> {
  const looks = [
    looked('members', () => members(parts)),
    looked('clock', () => clocks(parts, signal)),
  ]
  if (parts.isVisit) return Promise.all(looks)
  return Promise.all([...looks, looked('port', () => port(parts)), ...examineFinders(parts)])
}

async function members({ swarm }: SwarmToExamine): Promise<Verdict> {
  const others = swarm.membership.others().filter(({ state }) => state !== 'left')
  if (others.length === 0) {
    const alone = 'this is the only one: what is stored is lost when this machine is'
    return warn(alone, 'bring in others: drey invite')
  }
  const missing = others.filter(({ state }) => state !== 'live')
  const here = others.length - missing.length
  const seen = `${here} of ${others.length} others here`
  if (missing.length === 0) return ok(seen)
  const why = await whyMissing(swarm, missing)
  if (here === 0) {
    const todo = 'see that this machine has a network, and that theirs run: drey members'
    return bad('unreachable', `none of ${others.length} others is here: ${why}`, todo)
  }
  const todo = 'start them; tell the swarm of those that will not come back: drey evict'
  return warn(`${seen}: ${why}`, todo)
}

async function whyMissing({ membership }: SwarmToExamine['swarm'], missing: Seen[]) {
  const whys = missing.slice(0, dialedMax).map(async ({ record: { id, name } }) => {
    const came = await membership.connector.reach(id).then(() => undefined, messageOf)
    return came ?? `${name} came just now`
  })
  const rest = missing.length - whys.length
  return [...(await Promise.all(whys)), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ')
}

/** Whether others can dial it, asked of them now. */
async function port({ swarm }: SwarmToExamine): Promise<Verdict> {
  const { transporter, membership, reach } = swarm
  if (transporter.port === undefined) return ok('it listens nowhere, and only dials out')
  if (transporter.peers().length === 0) return ok('nobody is here who could dial it')
  const trials = await reach.try()
  const name = (id: string) => nameOfMember(membership, id)
  const came = trials.find(({ why }) => why === undefined)
  if (came !== undefined) return ok(`${name(came.by)} could dial it at ${came.address}`)
  const [first] = trials
  if (first === undefined) return ok('no member that is here could try to dial it')
  const relays = membership.own.relays.map(name).join(', ')
  return warn(
    `${name(first.by)} could not dial ${first.address}: ${first.why}; ` +
      (relays ? `it is reached over ${relays}` : 'only those that it dials can speak to it'),
    `let TCP ${transporter.port} through the firewall and the router, or have a member relay: drey start --relay`,
  )
}

async function clocks({ swarm, clock }: SwarmToExamine, signal: AbortSignal): Promise<Verdict> {
  const { transporter, membership } = swarm
  const answers = await askClocks(transporter.peers(), clock, signal)
  return compareClocks(answers, (id) => nameOfMember(membership, id))
}
