import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Citizen } from '../src/cli/town.ts'
import { createAuthority, issue } from '../src/transport/authority.ts'
import { createKey, makeIdentity, type Identity } from '../src/transport/identity.ts'
import { whyNoNetwork, type Host } from '../test/system/network.ts'
import { NetworkTown, until } from '../test/system/networkTown.ts'
import { getBack, putKeyStream } from './blobs.ts'
import { median, printTable } from './table.ts'
import type { Order } from './wireSide.ts'

const defaults = { MiB: 256, rounds: 3, lossPercent: 1, roundTripMs: 100 } as const
const holders = 5

/**
 * How fast a blob is read over lines that lose packets and are long, as a ratio to bare `node:tls`
 * connections, one to each holder, that bring as many bytes. Each node is on a host of its own.
 *
 *     network [MiB] [rounds] [loss each way, %] [round trip, ms]
 */
export async function run(args: string[]): Promise<void> {
  const why = await whyNoNetwork()
  if (why !== false) return console.log(`This bench makes networks: ${why}.`)
  const [MiB, rounds, lossPercent, roundTripMs] = Object.values(defaults).map((usual, at) =>
    Number(args[at] ?? usual),
  ) as [number, number, number, number]
  await using town = await NetworkTown.open()
  for (let at = 0; at < holders; at++) await town.add(at === 0 ? 'reader' : 'storage')
  await until(() => town.agrees(), 30_000, 'all have met')
  const address = await putKeyStream(town.citizens[0]!, MiB * 2 ** 20)
  const getter = await town.add('reader') // It has come later: it holds nothing of this.
  await until(() => town.agrees(), 30_000, 'the last is there')
  const bare = await bareSides(town.network.hosts)
  await town.network.weather({ lossPercent: lossPercent / 2, delayMs: roundTripMs / 4 }) // Two lines.
  const speeds = { bare: [] as number[], drey: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const ms = (await tell(bare.at(-1)!, {
      do: 'move',
      way: 'down',
      bytes: MiB * 2 ** 20,
    })) as number
    speeds.bare.push(MiB / (ms / 1000))
    const began = performance.now()
    await getBack(getter, address)
    speeds.drey.push(MiB / ((performance.now() - began) / 1000))
  }
  for (const child of bare) child.kill()
  await print(
    speeds,
    getter,
    `${MiB} MiB, ${lossPercent} % loss each way, ${roundTripMs} ms round trip`,
  )
}

async function print(
  speeds: { bare: readonly number[]; drey: readonly number[] },
  { peak }: Citizen,
  what: string,
): Promise<void> {
  const row = (name: string, values: readonly number[]) => [
    name,
    median(values).toFixed(1),
    values.map((value) => value.toFixed(1)).join(' '),
  ]
  const control = await readFile('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8')
  printTable(
    `A get from ${holders} holders: ${what}`,
    [
      ['', 'MiB/s', 'in turn'],
      row('bare TLS', speeds.bare),
      row('Drey', speeds.drey),
      ['ratio', (median(speeds.drey) / median(speeds.bare)).toFixed(2), ''],
    ],
    [
      `congestion control: ${control.trim()}`,
      `private memory of the node that reads, at most: ${(peak.privateBytes / 1e6).toFixed(1)} MB`,
    ],
  )
}

/** A bare listener on every host but the last, and there one that is connected to all of them. */
async function bareSides(hosts: readonly Host[]): Promise<ChildProcess[]> {
  const identity = await member()
  const sides = hosts.map((host) => sideOn(host))
  const dialer = sides.at(-1)!
  for (const [at, { address: host }] of hosts.slice(0, -1).entries()) {
    const address = (await tell(sides[at]!, {
      do: 'listen',
      kind: 'bare',
      identity,
      host,
    })) as string
    await tell(dialer, { do: 'dial', kind: 'bare', identity, address })
  }
  return sides
}

function sideOn({ command: [file, ...words] }: Host): ChildProcess {
  const side = fileURLToPath(new URL('./wireSide.ts', import.meta.url))
  const node = [process.execPath, '--max-semi-space-size=1', side]
  return spawn(file!, [...words, ...node], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

async function tell(child: ChildProcess, order: Order): Promise<unknown> {
  child.send(order)
  const [answer] = (await once(child, 'message')) as [unknown]
  return answer
}

async function member(): Promise<Identity> {
  const authority = await createAuthority('bench')
  const { keyPem, publicKeyPem } = createKey()
  const certificatePem = await issue(authority, publicKeyPem, { role: 'storage' })
  return makeIdentity({ keyPem, certificatePem, authorityPem: authority.certificatePem })
}

if (import.meta.main) await run(process.argv.slice(2))
