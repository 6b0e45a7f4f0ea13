import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createAuthority, issue } from '../src/transport/authority.ts'
import { createKey, makeIdentity, type Identity } from '../src/transport/identity.ts'
import type { Kind, Order, Report, Way } from './wireSide.ts'
import { median, printTable } from './table.ts'

/** As a node's process is started; see docs/decisions/process-settings.md. */
const environment = { MALLOC_ARENA_MAX: '1', NODE_COMPILE_CACHE: 'node_modules/.cache/drey' }
const defaults = { MiB: 1024, rounds: 5 } as const

/**
 * How fast shards travel between two processes, as a ratio to bare `node:tls` sockets (1.3, mutual, the
 * same cipher, 64 KiB writes) that move as many bytes in the same minutes. Shards are of 256 KiB, 16 at a
 * time, as payloads of requests (up) and of responses (down).
 *
 *     wire [MiB a run] [rounds]
 */
export async function run(args: string[]): Promise<void> {
  const bytes = Number(args[0] ?? defaults.MiB) * 2 ** 20
  const rounds = Number(args[1] ?? defaults.rounds)
  const identities = await twoMembers()
  const pairs = { bare: await pair('bare', identities), drey: await pair('drey', identities) }
  const speeds: Record<Way, Record<Kind, number[]>> = {
    up: { bare: [], drey: [] },
    down: { bare: [], drey: [] },
  }
  for (let round = 0; round < rounds; round++) {
    for (const way of ['up', 'down'] as const) {
      for (const kind of ['bare', 'drey'] as const) {
        const ms = (await tell(pairs[kind].dialer, { do: 'move', way, bytes })) as number
        speeds[way][kind].push(bytes / 2 ** 20 / (ms / 1000))
      }
    }
  }
  const row = (what: string, way: Way) => {
    const [bare, drey] = [median(speeds[way].bare), median(speeds[way].drey)]
    return [what, bare.toFixed(0), drey.toFixed(0), (drey / bare).toFixed(2)]
  }
  const notes: string[] = []
  for (const kind of ['bare', 'drey'] as const) {
    notes.push(await conclude(kind, pairs[kind], bytes * rounds * 2))
  }
  printTable(
    `Shards over mutual TLS between two processes; medians of ${rounds} rounds in turn`,
    [
      ['', 'bare TLS, MiB/s', 'Drey, MiB/s', 'ratio'],
      row('up: requests carry shards', 'up'),
      row('down: answers carry shards', 'down'),
    ],
    notes,
  )
}

interface Pair {
  readonly dialer: ChildProcess
  readonly listener: ChildProcess
}

async function pair(kind: Kind, [here, there]: readonly [Identity, Identity]): Promise<Pair> {
  const side = new URL('./wireSide.ts', import.meta.url)
  const settings = {
    execArgv: ['--max-semi-space-size=1'],
    env: { ...process.env, ...environment },
  }
  const [dialer, listener] = [fork(side, settings), fork(side, settings)]
  const address = (await tell(listener, {
    do: 'listen',
    kind,
    identity: there,
    host: '127.0.0.1',
  })) as string
  await tell(dialer, { do: 'dial', kind, identity: here, address })
  return { dialer, listener }
}

async function conclude(kind: Kind, { dialer, listener }: Pair, bytes: number): Promise<string> {
  const [a, b] = [await report(dialer), await report(listener)]
  const perGiB = (a.cpuMs + b.cpuMs) / 1000 / (bytes / 2 ** 30)
  const peaks = `${a.peakMiB.toFixed(1)} and ${b.peakMiB.toFixed(1)} MiB`
  for (const child of [dialer, listener]) {
    child.disconnect()
    child.kill()
  }
  return `${kind}: ${perGiB.toFixed(2)} CPU s/GiB on both sides; private memory at most ${peaks}`
}

async function report(child: ChildProcess): Promise<Report> {
  return (await tell(child, { do: 'report' })) as Report
}

async function tell(child: ChildProcess, order: Order): Promise<unknown> {
  child.send(order)
  const [answer] = (await once(child, 'message')) as [unknown]
  return answer
}

async function twoMembers(): Promise<[Identity, Identity]> {
  const authority = await createAuthority('bench')
  const member = async () => {
    const { keyPem, publicKeyPem } = createKey()
    const certificatePem = await issue(authority, publicKeyPem, { role: 'storage' })
    return makeIdentity({ keyPem, certificatePem, authorityPem: authority.certificatePem })
  }
  return [await member(), await member()]
}

if (import.meta.main) await run(process.argv.slice(2))
