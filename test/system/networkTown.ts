import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { collect } from '../../src/base/bytes.ts'
import { isRunning, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { ask } from '../../src/cli/visit.ts'
import type { MemberView } from '../../src/gateway/members.ts'
import type { Role } from '../../src/transport/transporter.ts'
import { drey, type Ended } from './drey.ts'
import { Network, type Host } from './network.ts'

/** What a home router and a local network would tell is left out: hosts are far from each other. */
const farApart = ['--no-lan', '--no-router']
const listen = '0.0.0.0:7117'

/** A swarm of node processes, each on a host of its own. */
export class NetworkTown implements AsyncDisposable {
  readonly network: Network
  readonly town: Town
  readonly #hosts = new Map<Citizen, Host>()

  private constructor(network: Network, town: Town) {
    this.network = network
    this.town = town
  }

  static async open(): Promise<NetworkTown> {
    await warmUp()
    const network = await Network.open()
    return new NetworkTown(network, new Town(await mkdtemp(join(tmpdir(), 'drey-network-'))))
  }

  get citizens(): readonly Citizen[] {
    return this.town.citizens
  }

  /** The first founds the swarm; the others are made by it. */
  async add(
    role: Role,
    { router = false, start = [] }: { router?: boolean; start?: readonly string[] } = {},
  ): Promise<Citizen> {
    const host = await this.network.host(`host${this.citizens.length + 1}`, { router })
    const place = { command: host.command, listen }
    const citizen = await this.town.add(role, [...farApart, ...start], place)
    this.#hosts.set(citizen, host)
    return citizen
  }

  hostsOf(citizens: readonly Citizen[]): Host[] {
    return citizens.map((citizen) => this.#hosts.get(citizen)!)
  }

  /** Whether every running node is connected to every other, and calls it live. */
  async agrees(): Promise<boolean> {
    const running = this.citizens.filter(isRunning)
    const seen = await Promise.all(running.map((citizen) => membersAt(citizen)))
    return seen.every(
      (members) =>
        members.filter(({ state, connected }) => state === 'live' && connected !== null).length ===
        running.length - 1,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.town[Symbol.asyncDispose]()
    await this.network[Symbol.asyncDispose]()
  }
}

/** What a node knows of the swarm. */
export async function membersAt({ door }: Citizen): Promise<MemberView[]> {
  const { signal } = new AbortController()
  const reply = await ask(door, 'GET', '/members', { signal })
  return JSON.parse(Buffer.from(await collect(reply.body)).toString('utf8')) as MemberView[]
}

/** Puts these bytes at a node; their address. */
export async function put(at: Citizen, bytes: Uint8Array): Promise<string> {
  const { code, stdout, stderr } = await drey(['--data', at.folder.path, 'put', '-'], bytes)
  assert.equal(code, 0, stderr)
  return stdout.toString().trim()
}

export const get = (at: Citizen, address: string): Promise<Ended> =>
  drey(['--data', at.folder.path, 'get', address])

export async function comesBack(at: Citizen, address: string, bytes: Uint8Array): Promise<void> {
  const { code, stdout, stderr } = await get(at, address)
  assert.equal(code, 0, stderr)
  assert.ok(stdout.equals(bytes), 'it came back byte for byte')
}

/** Waits until it is so; for how long it took. Fails with `why` after the limit. */
export async function until(
  condition: () => Promise<boolean>,
  limitMs: number,
  why: string | (() => string),
  restMs = 200,
): Promise<number> {
  const began = Date.now()
  while (!(await condition())) {
    const what = typeof why === 'string' ? why : why()
    assert.ok(Date.now() - began < limitMs, `${what}, within ${limitMs} ms`)
    await sleep(restMs)
  }
  return Date.now() - began
}
