import { formatAddress } from '../../src/address/address.ts'
import { isDreyError, messageOf, type ErrorCode } from '../../src/base/error.ts'
import { timeLimit } from '../../src/base/clock.ts'
import { equalBytes } from '../../src/base/bytes.ts'
import { between } from '../../src/base/random.ts'
import { torn } from '../../src/node/neighbourhood.ts'
import type { Content } from './contents.ts'
import type { Machine, World } from './world.ts'

/** Longer than anything takes, whatever the weather: what has not ended then hangs. */
const settledMs = 600_000
/** What weather may make of a put, and of a get. */
const lookFor: readonly ErrorCode[] = ['not-found', 'not-enough-shards']
const excuses = {
  put: ['not-enough-members', 'full'],
  remove: [],
  keep: lookFor,
  get: lookFor,
  range: lookFor,
  leave: lookFor,
} as const satisfies Record<string, readonly ErrorCode[]>

type Doing = keyof typeof excuses
type Reading = 'get' | 'range' | 'leave'

/** People who store, read, keep and remove, at whatever machine they sit, and look closely at what they get. */
export class People {
  readonly #world: World
  readonly contents: readonly Content[]
  /** What was acknowledged, and whose owner has not removed it: it is kept. */
  readonly stored = new Map<Content, Set<Machine>>()
  /** What is being put, perhaps twice at once. */
  readonly underway = new Set<Content>()
  removed = 0
  operations = 0
  failures = 0

  constructor(world: World, contents: readonly Content[]) {
    this.#world = world
    this.contents = contents
  }

  /** Does any one thing. */
  async doSomething(): Promise<void> {
    const { random } = this.#world
    const machine = this.#world.pick(this.#world.readers())
    const content = this.#world.pick(this.contents)!
    if (machine === undefined) return
    const lot = random.fraction()
    const owners = this.stored.get(content)
    if (owners === undefined || lot < 0.15) await this.put(machine, content)
    else if (lot < 0.25) await this.remove(this.#ownerOf(owners), content)
    else if (lot < 0.3) await this.keep(machine, content)
    else await this.get(machine, content, lot < 0.65 ? 'get' : lot < 0.9 ? 'range' : 'leave')
  }

  #ownerOf(owners: ReadonlySet<Machine>): Machine | undefined {
    return this.#world.pick([...owners].filter(({ life }) => life !== undefined))
  }

  async put(machine: Machine, content: Content): Promise<boolean> {
    const { node } = machine.life!
    this.underway.add(content)
    const isDone = await this.#attempt(machine, 'put', content, async (signal) => {
      const { address, size } = await node.put(torn(content.bytes, this.#world.random), { signal })
      if (!address.equals(content.address)) throw new Error(`it has another address: ${address}`)
      if (size !== content.bytes.length) throw new Error(`it has another size: ${size}`)
    })
    this.underway.delete(content)
    if (isDone) this.#own(machine, content)
    return isDone
  }

  /** Wants what is stored already. */
  async keep(machine: Machine, content: Content): Promise<void> {
    if (this.underway.has(content)) return // Whether it is stored, is being decided.
    this.underway.add(content)
    const { life } = machine
    const isDone = await this.#attempt(machine, 'keep', content, async (signal) => {
      await life!.keep(content.address, signal)
    })
    this.underway.delete(content)
    if (isDone) this.#own(machine, content)
  }

  /** Wants it no more. While somebody puts it nobody could say what the outcome should be. */
  async remove(machine: Machine | undefined, content: Content): Promise<void> {
    if (machine === undefined || this.underway.has(content)) return
    const { node } = machine.life!
    const secrets = machine.leases.own.of(formatAddress(content.address)).map((own) => own.secret)
    const owners = this.stored.get(content)!
    owners.delete(machine)
    if (owners.size === 0) this.stored.delete(content)
    await this.#attempt(machine, 'remove', content, async (signal) => {
      await node.leasing.end(secrets, signal)
      this.removed += 1
    })
  }

  #own(machine: Machine, content: Content): void {
    this.stored.set(content, (this.stored.get(content) ?? new Set()).add(machine))
  }

  /** Reads all of it, a range, or a part before it leaves. Whatever comes has to be right. */
  async get(machine: Machine, content: Content, doing: Reading = 'get'): Promise<boolean> {
    const { node } = machine.life!
    const { bytes, address } = content
    return this.#attempt(machine, doing, content, async (signal) => {
      const blob = await node.find(address, undefined, { signal })
      if (blob.size !== bytes.length) throw new Error(`it has another size: ${blob.size}`)
      const range = doing === 'range' ? this.#rangeOf(bytes) : { start: 0, end: bytes.length }
      let { start: at } = range
      for await (const piece of node.read(blob, range, { signal })) {
        if (!equalBytes(piece, bytes.subarray(at, at + piece.length))) {
          throw new Error(`wrong bytes were handed out at ${at}`)
        }
        at += piece.length
        if (doing === 'leave') return
      }
      if (at !== range.end) throw new Error(`it ends at ${at} of ${range.end}`)
    })
  }

  #rangeOf({ length }: Uint8Array): { start: number; end: number } {
    const start = between(this.#world.random, 0, length + 1)
    return { start, end: between(this.#world.random, start, length + 1) }
  }

  /** Whether it worked. What neither works nor has an excuse is a violation. */
  async #attempt(
    machine: Machine,
    doing: Doing,
    { name }: Content,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const { clock } = this.#world
    const { life } = machine
    const what = `${doing} ${name}`
    this.operations += 1
    using limit = timeLimit(clock, settledMs)
    try {
      await this.#unlessHung(what, work(limit.signal))
      this.#world.say(machine.id, `${what}: done`)
      return true
    } catch (error) {
      this.failures += 1
      const isOff = machine.life !== life
      const excused = excuses[doing].some((one) => isDreyError(error, one))
      const why = `${what}: ${messageOf(error)}`
      if (isOff || excused) this.#world.say(machine.id, why)
      else this.#world.accuse(machine.id, why)
      return false
    }
  }

  async #unlessHung(what: string, work: Promise<void>): Promise<void> {
    const over = new AbortController()
    const hung = this.#world.clock.sleep(settledMs + 60_000, over.signal).then(() => {
      throw new Error(`${what} hangs`)
    })
    hung.catch(() => {}) // It ended in time.
    try {
      await Promise.race([work, hung])
    } finally {
      over.abort()
    }
  }
}
