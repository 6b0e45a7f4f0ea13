import type { Diagnosis } from '../gateway/doctor.ts'
import type { SwarmToExamine } from './doctorSwarm.ts'
import { looked, ok, warn, type Verdict } from './diagnosis.ts'

/** Looks at how members are found that nobody has typed in. */
export function examineFinders(parts: SwarmToExamine): Promise<Diagnosis>[] {
  return [
    looked('local network', () => lan(parts)),
    looked('router', () => router(parts)),
    looked('DHT', () => dht(parts)),
  ]
}

function lan({ swarm, config }: SwarmToExamine): Verdict {
  const state = swarm.finders?.lan()
  if (state === undefined) return ok(off(config.without?.includes('lan')))
  const seen = `${state.known} other nodes are on it`
  if (state.why === undefined) return ok(seen)
  const todo = 'let UDP 5353 through, or start with --no-lan: members are found in other ways, too'
  return warn(`${seen}; multicast DNS fails: ${state.why}`, todo)
}

function router({ swarm, config }: SwarmToExamine): Verdict {
  const state = swarm.finders?.router()
  if (state === undefined) return ok(off(config.without?.includes('router')))
  if (state.address !== undefined) return ok(`it lets others in at ${state.address}`)
  if (state.why === undefined) return ok('there is none that could be asked, or no need of one')
  const todo =
    'let it give ports (UPnP or NAT-PMP), or forward the port by hand, or start with --no-router'
  return warn(`it does not give a port: ${state.why}`, todo)
}

function dht({ swarm, config }: SwarmToExamine): Verdict {
  if (config.without?.includes('dht')) return ok(off(true))
  const { dht: here, transporter } = swarm
  const todo =
    'let UDP through, at the port that has the number of the TCP one, or start with --no-dht'
  if (here === undefined) return warn('it could not be opened: the log says why', todo)
  const { nodes, published } = here.state()
  const seen = `${nodes} nodes are known, ${published} roots announced from here; UDP ${here.port}`
  const isAlone = nodes === 0 && transporter.peers().length > 0
  return isAlone ? warn(`${seen}: none of the members that are here was heard`, todo) : ok(seen)
}

function off(isAsked = false): string {
  return isAsked ? 'not used, as its config says' : 'not used: only this machine can dial the node'
}
