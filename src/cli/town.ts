import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { readConfig, writeConfig, type Config } from '../daemon/config.ts'
import { DataFolder } from '../daemon/folder.ts'
import { foundSwarm, initWith } from '../daemon/init.ts'
import type { NodeStatus } from '../gateway/status.ts'
import { socketDoor } from '../gateway/client.ts'
import type { Door } from '../gateway/door.ts'
import type { Role } from '../transport/transporter.ts'
import { ask, readReply } from './visit.ts'

/** Where a node's process runs. */
export interface Place {
  /** What it is started with: nothing, or a command that runs another one, as `ip netns exec NAME` does. */
  readonly command: readonly string[]
  readonly listen: string
}

const thisMachine: Place = { command: [], listen: '127.0.0.1:0' }

/** One node as a process of its own, with its own data folder. */
export interface Citizen {
  readonly name: string
  readonly place: Place
  readonly role: Role
  readonly folder: DataFolder
  readonly door: Door
  readonly address: string
  process: ChildProcess
  readonly peak: { privateBytes: number; residentBytes: number }
}

const sampleMs = 50
const gatherMs = 20_000

/** A swarm of real node processes on this machine, in a folder that goes when it is closed. */
export class Town implements AsyncDisposable {
  readonly citizens: Citizen[] = []
  readonly folder: string
  readonly #config: Partial<Config>
  readonly #sampling: NodeJS.Timeout

  /** With `config`, what it says goes for every node that is made here. */
  constructor(folder: string, config: Partial<Config> = {}) {
    this.folder = folder
    this.#config = config
    this.#sampling = setInterval(() => void this.sample(), sampleMs).unref()
  }

  /** Founds the swarm or makes another node of it, and starts its process. */
  async add(
    role: Role,
    startArgs: readonly string[] = [],
    place: Place = thisMachine,
  ): Promise<Citizen> {
    const name = `node-${this.citizens.length + 1}`
    const folder = new DataFolder(join(this.folder, name))
    const [founder] = this.citizens
    const options = { name, listen: place.listen }
    if (founder === undefined) await foundSwarm(folder, options)
    else await initWith(folder, founder.folder, role, { ...options, peers: [founder.address] })
    await writeConfig(folder, { ...(await readConfig(folder)), ...this.#config })
    return this.settle(name, role, folder, startArgs, place)
  }

  /** Starts a node whose folder is there already. */
  async settle(
    name: string,
    role: Role,
    folder: DataFolder,
    startArgs: readonly string[] = [],
    place: Place = thisMachine,
  ): Promise<Citizen> {
    const child = launch(place, folder, startArgs)
    const citizen: Citizen = {
      name,
      role,
      folder,
      door: socketDoor(folder.socket),
      address: await addressOf(child, name),
      place,
      process: child,
      peak: { privateBytes: 0, residentBytes: 0 },
    }
    this.citizens.push(citizen)
    return citizen
  }

  /** Starts a node again that was killed, where the others look for it. */
  async restart(citizen: Citizen, startArgs: readonly string[] = []): Promise<void> {
    const { place, folder, address } = citizen
    citizen.process = launch(place, folder, ['--listen', address, ...startArgs])
    await addressOf(citizen.process, citizen.name)
  }

  async kill(citizen: Citizen): Promise<void> {
    if (!isRunning(citizen)) return
    const gone = once(citizen.process, 'exit')
    citizen.process.kill('SIGKILL')
    await gone
  }

  /** Waits until every running node is connected to every other. */
  async gathered(signal: AbortSignal): Promise<void> {
    const until = Date.now() + gatherMs
    const running = this.citizens.filter(isRunning)
    for (const citizen of running) {
      while ((await statusOf(citizen, signal)).members.length < running.length - 1) {
        if (Date.now() > until) {
          throw new DreyError(
            'timeout',
            `${citizen.name} did not meet all others in ${gatherMs} ms`,
          )
        }
        await systemClock.sleep(50, signal)
      }
    }
  }

  /** Looks at the memory of every running node once. */
  async sample(): Promise<void> {
    await Promise.all(this.citizens.filter(isRunning).map((citizen) => look(citizen)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampling)
    await Promise.all(this.citizens.map((citizen) => this.kill(citizen)))
    await rm(this.folder, { recursive: true, force: true })
  }
}

export function isRunning({ process }: Citizen): boolean {
  return process.exitCode === null && process.signalCode === null
}

export async function statusOf(citizen: Citizen, signal: AbortSignal): Promise<NodeStatus> {
  const reply = await ask(citizen.door, 'GET', '/status', { signal })
  return readReply<NodeStatus>(reply)
}

/** Has Node compile what nodes load: see daemon/warm.ts. */
export async function warmUp(): Promise<void> {
  await once(drey(thisMachine, ['warm'], 'inherit'), 'exit')
}

function launch(place: Place, folder: DataFolder, startArgs: readonly string[]): ChildProcess {
  const command = ['--data', folder.path, '--json', 'start', '--no-http', '--log-level', 'warn']
  return drey(place, [...command, ...startArgs], 'pipe')
}

function drey(place: Place, args: readonly string[], stdio: 'pipe' | 'inherit'): ChildProcess {
  const main = import.meta.url.endsWith('.ts') ? './main.ts' : './main.js'
  const path = fileURLToPath(new URL(main, import.meta.url))
  const [command, ...words] = [...place.command, process.execPath, path, ...args]
  return spawn(command!, words, { stdio: ['ignore', stdio, stdio] })
}

/** What a node says first: where it is reached, or why it did not get so far. */
interface Said {
  readonly address?: string
  readonly error?: { readonly message: string }
}

/** Reads it. Where a node says nothing, what it has logged is told. */
async function addressOf(child: ChildProcess, name: string): Promise<string> {
  let logged = ''
  child
    .stderr!.setEncoding('utf8')
    .on('data', (text: string) => (logged = (logged + text).slice(-4096)))
  const line = once(createInterface(child.stdout!), 'line') as Promise<[string]>
  const ended = once(child, 'exit').then(() => undefined)
  const first = await Promise.race([line, ended])
  const { address, error } = JSON.parse(first?.[0] ?? '{}') as Said
  if (address !== undefined) return address
  throw new DreyError('unreachable', `${name} did not start: ${error?.message ?? logged}`)
}

/** Private memory is `RssAnon`, sampled; resident memory is the kernel's own peak, `VmHWM`. */
async function look({ process, peak }: Citizen): Promise<void> {
  const text = await readFile(`/proc/${process.pid}/status`, 'utf8').catch(() => '') // It has just ended.
  const bytes = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) * 1024
  peak.privateBytes = Math.max(peak.privateBytes, bytes('RssAnon'))
  peak.residentBytes = Math.max(peak.residentBytes, bytes('VmHWM'))
}
