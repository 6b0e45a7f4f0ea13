import { formatAddress } from '../../src/address/address.ts'
import { between } from '../../src/base/random.ts'
import type { ShardName } from '../../src/store/store.ts'
import { Fairness } from './fairness.ts'
import type { People } from './people.ts'
import type { Machine, World } from './world.ts'

export interface Climate {
  /** From one event to the next, on average. */
  readonly everyMs: number
  /** Whether it spares what it takes to give a block back: then nothing may ever be lost. */
  readonly isFair: boolean
  /** The fewest and the most machines that are here and store. */
  readonly machines: readonly [least: number, most: number]
}

type Event = readonly [likely: number, name: string, event: () => Promise<boolean>]

/** What happens to machines and between them. Each event is drawn by lot, and most of them pass. */
export class Weather {
  readonly #world: World
  readonly #fairness: Fairness | undefined
  readonly #climate: Climate
  readonly #passing = new Set<Promise<void>>()
  readonly #over = new AbortController()
  readonly #events: readonly Event[]

  constructor(world: World, people: People, climate: Climate) {
    this.#world = world
    this.#fairness = climate.isFair ? new Fairness(world, people) : undefined
    this.#climate = climate
    this.#events = [
      [5, 'crash', () => this.#crash()],
      [2, 'power cut', () => this.#powerCut()],
      [3, 'partition', () => this.#partition()],
      [5, 'reset', () => this.#reset()],
      [3, 'slow line', () => this.#slowLine()],
      [2, 'full disk', () => this.#ill('is full', (disk) => (disk.isFull = true))],
      [2, 'slow disk', () => this.#ill('is slow', (disk) => (disk.slowMs = 8_000))],
      [2, 'bad disk', () => this.#ill('fails at times', (disk) => (disk.failing = 0.2))],
      [4, 'forget', () => this.#lose('forgets', (machine, name) => machine.disk.forget(name))],
      [4, 'rot', () => this.#lose('has rot in', (machine, name) => machine.disk.rot(name))],
      [1, 'death', () => this.#die()],
      [1, 'leaving', () => this.#leave()],
      [2, 'coming', () => this.#come()],
    ]
  }

  /** Goes on until it is over, and resolves when all that was passing has passed. */
  async storm(forMs: number): Promise<void> {
    const { clock, random } = this.#world
    const endsAt = clock.now() + forMs
    while (clock.now() < endsAt) {
      await clock.sleep(random.fraction() * 2 * this.#climate.everyMs)
      const [, name, event] = this.#draw()
      if (await event()) this.#world.count(name)
    }
    this.#over.abort(new Error('the storm is over'))
    await Promise.all(this.#passing)
    this.#world.say('', 'the storm is over')
  }

  #draw(): Event {
    const sum = this.#events.reduce((all, [likely]) => all + likely, 0)
    let lot = this.#world.random.fraction() * sum
    return this.#events.find(([likely]) => (lot -= likely) < 0)!
  }

  /** Ends by itself, or with the storm. */
  #pass(mostMs: number, end: () => void): true {
    const { clock, random } = this.#world
    const passing = clock
      .sleep(random.fraction() * mostMs, this.#over.signal)
      .catch(() => {}) // The storm is over.
      .then(end)
    this.#passing.add(passing)
    void passing.then(() => this.#passing.delete(passing))
    return true
  }

  async #crash(): Promise<boolean> {
    const machine = this.#world.pick(this.#world.up())
    if (machine === undefined) return false
    this.#world.crash(machine)
    return this.#pass(60_000, () => this.#world.start(machine))
  }

  /** Nobody is told: the machine is silent, and those who wait for it wait in vain. */
  async #powerCut(): Promise<boolean> {
    const machine = this.#world.pick(this.#world.up())
    if (machine === undefined) return false
    const { network } = this.#world
    const { life } = machine
    network.silence(machine.id)
    this.#world.say(machine.id, 'is silent')
    return this.#pass(60_000, () => {
      if (machine.life === life) this.#world.crash(machine)
      network.wake(machine.id)
      this.#world.start(machine)
    })
  }

  async #partition(): Promise<boolean> {
    const { network, random, machines } = this.#world
    const side = machines.map(({ id }) => id).filter(() => random.fraction() < 0.4)
    network.partition([side])
    this.#world.say('', `apart from the others: ${side.join(', ')}`)
    return this.#pass(60_000, () => {
      network.partition([])
      this.#world.say('', 'together again')
    })
  }

  /** A connection ends, and what was on its way is lost with it. */
  async #reset(): Promise<boolean> {
    const machine = this.#world.pick(this.#world.up())
    const peer = this.#world.pick(machine?.life?.transporter.peers() ?? [])
    if (machine === undefined || peer === undefined) return false
    this.#world.say(machine.id, `loses its connection to ${peer.id}`)
    peer.close('the line was cut')
    return true
  }

  async #slowLine(): Promise<boolean> {
    const machine = this.#world.pick(this.#world.up())
    if (machine === undefined) return false
    const { slowMs, random } = this.#world
    slowMs.set(machine.id, between(random, 100, 3_000))
    this.#world.say(machine.id, `is far: ${slowMs.get(machine.id)} ms`)
    return this.#pass(30_000, () => void slowMs.delete(machine.id))
  }

  async #ill(how: string, fall: (disk: Machine['disk']) => void): Promise<boolean> {
    const machine = this.#world.pick(this.#world.up())
    if (machine === undefined) return false
    fall(machine.disk)
    this.#world.say(machine.id, `its disk ${how}`)
    return this.#pass(40_000, () => machine.disk.recover())
  }

  /** Some of a machine's shards, as many as fairness allows. */
  async #lose(how: string, work: (machine: Machine, name: ShardName) => unknown): Promise<boolean> {
    const machine = this.#world.pick(this.#world.machines.filter(({ isGone }) => !isGone))
    if (machine === undefined) return false
    const part = this.#world.random.fraction() ** 3 // Mostly a few, at times nearly all.
    const chosen = (await machine.disk.sound()).filter(() => this.#world.random.fraction() < part)
    const lost = await this.#taken(machine, chosen)
    for (const name of lost) await work(machine, name)
    if (lost.length > 0) this.#world.say(machine.id, `${how} ${lost.length} shards`)
    return lost.length > 0
  }

  /** Those that are lost, of shards that weather would take. */
  async #taken(machine: Machine, names: ShardName[]): Promise<ShardName[]> {
    if (this.#fairness) return this.#fairness.allowed(machine, names)
    for (const { block } of names) this.#world.struck.add(formatAddress(block))
    return names
  }

  async #die(): Promise<boolean> {
    const machine = this.#expendable()
    if (machine === undefined) return false
    const names = await machine.disk.sound()
    const taken = await this.#taken(machine, names)
    if (taken.length < names.length) return false
    this.#world.crash(machine)
    machine.isGone = true
    this.#world.say(machine.id, `is dead for good, with ${names.length} shards`)
    return true
  }

  async #leave(): Promise<boolean> {
    const machine = this.#expendable()
    if (machine === undefined) return false
    const { life } = machine
    this.#world.say(machine.id, 'begins to leave')
    const { signal } = this.#over
    const leaving = life!.node.leave({ isNow: false, signal }).then(
      (report) => {
        if (machine.life !== life) return
        this.#world.say(machine.id, `has left: ${report!.failed} of ${report!.total} stay`)
        if (report!.failed > 0) return
        machine.life = undefined
        machine.isGone = true
        void life!.close()
      },
      (error: Error) => this.#world.say(machine.id, `does not leave: ${error.message}`),
    )
    this.#passing.add(leaving)
    return true
  }

  async #come(): Promise<boolean> {
    const { machines, random } = this.#world
    if (machines.filter(({ isGone }) => !isGone).length >= this.#climate.machines[1]) return false
    this.#world.add({ role: random.fraction() < 0.7 ? 'reader' : 'storage' })
    return true
  }

  /** One that may go: enough others are left. */
  #expendable(): Machine | undefined {
    const left = this.#world.machines.filter(({ isGone, isLiar }) => !isGone && !isLiar)
    if (left.length <= this.#climate.machines[0]) return undefined
    return this.#world.pick(this.#world.up().filter(({ isLiar }) => !isLiar))
  }
}
