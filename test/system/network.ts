import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { addNamespace, newName, removeNetwork, run, sweep, within } from './networkSpace.ts'
import {
  hasNetem,
  layNetem,
  layPair,
  layVde,
  type LayWire,
  type Weather,
  type Wire,
} from './networkWire.ts'

/** A machine of its own, as far as the network can tell. */
export interface Host {
  readonly name: string
  readonly namespace: string
  /** Where others may dial it; behind a router it is an address that they cannot. */
  readonly address: string
  /** What a command is started with, so that it runs there. */
  readonly command: readonly string[]
}

interface Line {
  /** The interface at the hub. */
  readonly port: string
  readonly wire: Wire
}

const subnet = '10.77.0'
const hubAddress = `${subnet}.254` // Answers nobody: who dials beyond the network waits in vain, as outside.
const hubBridge = 'everyone'

/**
 * Hosts in a star, each a network namespace with one wire to a hub whose weather can be changed while all
 * runs. It needs root and Linux (`whyNoNetwork` tells), and reaches nothing outside itself. Closed, it leaves
 * nothing behind; one that was killed is swept away by the next.
 */
export class Network implements AsyncDisposable {
  readonly hosts: Host[] = []
  readonly #name: string
  readonly #lay: LayWire
  readonly #lines = new Map<Host, Line>()
  #weather: Weather | undefined
  #bridges = 0

  private constructor(name: string, lay: LayWire) {
    this.#name = name
    this.#lay = lay
  }

  static async open(): Promise<Network> {
    await sweep()
    const { name, folder } = newName()
    const network = new Network(name, (await hasNetem()) ? layNetem : layVde(folder))
    await addNamespace(network.#hub)
    await network.#bridge(hubBridge)
    await run('ip', '-n', network.#hub, 'addr', 'add', `${hubAddress}/24`, 'dev', hubBridge)
    return network
  }

  /** Adds a host; with `router`, behind one that lets it out under its own address, and nobody in. */
  async host(name: string, { router = false } = {}): Promise<Host> {
    const number = this.hosts.length + 1
    const outside = `${subnet}.${number}`
    const namespace = `${this.#name}-${name}`
    await addNamespace(namespace)
    const address = router ? `10.77.${100 + number}.2` : outside
    const host = { name, namespace, address, command: within(namespace) }
    const front = router ? await this.#router(host) : namespace
    const port = `to-${name}`
    const near = { namespace: front, device: 'eth0' }
    const wire = await this.#lay(name, [near, { namespace: this.#hub, device: port }])
    this.#lines.set(host, { port, wire })
    await this.#plug(host, hubBridge)
    await settle(front, outside)
    await run('ip', '-n', front, 'route', 'add', 'default', 'via', hubAddress)
    if (this.#weather !== undefined) await wire.weather(this.#weather)
    this.hosts.push(host)
    return host
  }

  /** From now on packets are lost and late, each way: this host's, or those of all, also of hosts to come. */
  async weather(weather: Weather, host?: Host): Promise<void> {
    if (host === undefined) this.#weather = weather
    for (const one of host ? [host] : this.hosts) await this.#lines.get(one)!.wire.weather(weather)
  }

  /** From now on these hosts reach each other, and nobody else. */
  async part(group: readonly Host[]): Promise<void> {
    const bridge = `part${++this.#bridges}`
    await this.#bridge(bridge)
    for (const host of group) await this.#plug(host, bridge)
  }

  /** From now on all reach all. */
  async heal(): Promise<void> {
    for (const host of this.hosts) await this.#plug(host, hubBridge)
  }

  /** Gives a host that is behind no router another address in place of its own. */
  async readdress(host: Host, number: number): Promise<string> {
    const address = `${subnet}.${number}`
    await run('ip', '-n', host.namespace, 'addr', 'flush', 'dev', 'eth0')
    await settle(host.namespace, address)
    await run('ip', '-n', host.namespace, 'route', 'add', 'default', 'via', hubAddress)
    return address
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeNetwork(this.#name)
  }

  get #hub(): string {
    return `${this.#name}-hub`
  }

  async #bridge(bridge: string): Promise<void> {
    await run('ip', '-n', this.#hub, 'link', 'add', bridge, 'type', 'bridge')
    await run('ip', '-n', this.#hub, 'link', 'set', bridge, 'up')
  }

  async #plug(host: Host, bridge: string): Promise<void> {
    const { port } = this.#lines.get(host)!
    await run('ip', '-n', this.#hub, 'link', 'set', port, 'master', bridge, 'up')
  }

  /** A router with this one host at home; its namespace's name. */
  async #router({ name, namespace, address }: Host): Promise<string> {
    const router = `${this.#name}-${name}-router`
    const inside = address.replace(/\d+$/, '1')
    await addNamespace(router)
    await layPair([
      { namespace, device: 'eth0' },
      { namespace: router, device: 'home' },
    ])
    await settle(router, inside, 'home')
    await settle(namespace, address)
    await run('ip', '-n', namespace, 'route', 'add', 'default', 'via', inside)
    const rules =
      'add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }'
    const inRouter = (...command: string[]) =>
      run(within(router)[0]!, ...within(router).slice(1), ...command)
    await inRouter('nft', `${rules}; add rule ip nat out oifname eth0 masquerade`)
    await inRouter('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    return router
  }
}

async function settle(namespace: string, address: string, device = 'eth0'): Promise<void> {
  await run('ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', device)
  await run('ip', '-n', namespace, 'link', 'set', device, 'up')
}

/** Why there can be no such network on this machine; `false` when there can, as `skip` of a test wants it. */
export async function whyNoNetwork(): Promise<string | false> {
  if (process.platform !== 'linux' || process.getuid!() !== 0) return 'it needs root on Linux'
  for (const program of ['ip', 'nft']) {
    if (!(await isInstalled(program))) return `it needs the program ${program}`
  }
  try {
    await using network = await Network.open()
    await network.host('probe')
  } catch (error) {
    return `no network can be made here: ${String(error)}`
  }
  return (await isInstalled('wirefilter')) || (await hasNetem())
    ? false
    : 'it needs a kernel with netem, or the programs of vde2'
}

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const there = folders.map((folder) => access(join(folder, program)))
  return Promise.any(there).then(
    () => true,
    () => false, // In none of them.
  )
}
