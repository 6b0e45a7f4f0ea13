import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { addNamespace, newName, removeNetwork, run, within } from './networkSpace.ts'

/** What becomes of packets on a wire, in each direction. */
export interface Weather {
  readonly lossPercent: number
  readonly delayMs: number
}

/** An interface in a namespace. */
export interface End {
  readonly namespace: string
  readonly device: string
}

/** A wire between two namespaces. It goes when they go. */
export interface Wire {
  weather(weather: Weather): Promise<void>
}

export type LayWire = (name: string, ends: readonly [End, End]) => Promise<Wire>

/** The kernel's own wire, without weather: a pair of interfaces. */
export async function layPair([near, far]: readonly [End, End]): Promise<void> {
  const end = ({ namespace, device }: End) => ['name', device, 'netns', namespace]
  await run('ip', 'link', 'add', ...end(near), 'type', 'veth', 'peer', ...end(far))
}

/** Weather by the kernel: `netem` at both ends. Packets are not joined, or many would be lost as one. */
export async function layNetem(_name: string, ends: readonly [End, End]): Promise<Wire> {
  await layPair(ends)
  for (const { namespace, device } of ends) {
    await run('ip', '-n', namespace, 'link', 'set', device, 'gso_max_segs', '1')
  }
  return {
    async weather({ lossPercent, delayMs }) {
      const netem = ['delay', `${delayMs}ms`, 'loss', `${lossPercent}%`, 'limit', '100000']
      for (const { namespace, device } of ends) {
        await run(
          ...(['tc', '-n', namespace, 'qdisc', 'replace', 'dev', device, 'root'] as const),
          ...['netem', ...netem],
        )
      }
    },
  }
}

/** Whether this kernel has `netem`; not all do. */
export async function hasNetem(): Promise<boolean> {
  const { name } = newName()
  const wire = [
    { namespace: `${name}-a`, device: 'eth0' },
    { namespace: `${name}-b`, device: 'eth0' },
  ] as const
  try {
    for (const { namespace } of wire) await addNamespace(namespace)
    await (await layNetem(name, wire)).weather({ lossPercent: 1, delayMs: 1 })
    return true
  } catch {
    return false // Whatever it lacks: there is the other way.
  } finally {
    await removeNetwork(name)
  }
}

/**
 * Weather by processes: an interface in each namespace that ends in a `vde_switch`, and `wirefilter` between
 * the two switches. Switches, and not only plugs, because plugs stand still for ever when both directions are
 * full at once. All three end when their stdin does: with this process, however it ends.
 */
export function layVde(folder: string): LayWire {
  return async (name, ends) => {
    const sides = ends.map(({ device }) => join(folder, `${name}-${device}`))
    for (const [at, { namespace, device }] of ends.entries()) {
      await mkdir(folder, { recursive: true })
      start(namespace, ['vde_switch', '-s', sides[at]!, '-t', device])
      await untilThere(ends[at]!)
    }
    const filter = start(ends[0].namespace, ['wirefilter', '-v', sides.join(':')])
    return {
      async weather({ lossPercent, delayMs }) {
        await tell(filter, `loss ${lossPercent}`)
        await tell(filter, `delay ${delayMs}`)
      },
    }
  }
}

function start(namespace: string, args: readonly string[]): ChildProcess {
  const [command, ...words] = [...within(namespace), ...args]
  const child = spawn(command!, words, { stdio: ['pipe', 'pipe', 'ignore'] })
  child.unref()
  return child
}

async function untilThere({ namespace, device }: End): Promise<void> {
  const until = Date.now() + 10_000
  for (;;) {
    try {
      return void (await run('ip', '-n', namespace, 'link', 'show', device))
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(20)
    }
  }
}

/** One order at a time, as `wirefilter` reads them. */
async function tell({ stdin, stdout }: ChildProcess, order: string): Promise<void> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const listen = (text: Buffer) => {
    said += text.toString()
    if (!said.endsWith('$ ')) return
    if (/^1000 /m.test(said)) resolve()
    else reject(new Error(`wirefilter does not understand "${order}": ${said}`))
  }
  stdout!.on('data', listen)
  stdin!.write(`${order}\n`)
  await promise.finally(() => stdout!.off('data', listen))
}
