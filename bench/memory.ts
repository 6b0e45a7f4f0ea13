import { spawn } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { parseSize } from '../src/cli/output.ts'
import { Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { getBack, never, putKeyStream } from './blobs.ts'
import { printTable } from './table.ts'

/**
 * Peak memory of node processes: bare Node, an idle node, puts and gets of two sizes (default 1 GiB and
 * 8 GiB), and three puts and three gets at once on one node. Six nodes, 4 of 6, syncs on.
 */
export async function run(args: string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(parseSize) : [2 ** 30, 2 ** 33]
  await warmUp()
  const rows = [['', 'private MB, peak', 'resident MB, peak', 'seconds']]
  rows.push(await bareNode())
  await inTown(async (town) => {
    await rest(2_000)
    rows.push(row('idle node', town.citizens))
  })
  for (const size of sizes) rows.push(...(await putAndGet(size)))
  rows.push(...(await manyAtOnce(sizes[0]! / 4)))
  printTable('Peak memory of a node (RssAnon sampled every 50 ms; VmHWM of the kernel)', rows)
}

async function putAndGet(size: number): Promise<string[][]> {
  return inTown(async (town) => {
    const [putter, getter] = [town.citizens[0]!, town.citizens.at(-1)!]
    const others = town.citizens.slice(1, -1)
    let address = ''
    const putSeconds = await seconds(async () => {
      address = await putKeyStream(putter, size)
    })
    const getSeconds = await seconds(() => getBack(getter, address))
    const gib = `${size / 2 ** 30} GiB`
    return [
      row(`putting ${gib}`, [putter], putSeconds),
      row(`getting ${gib}`, [getter], getSeconds),
      row(`holding shards of ${gib} (the highest of ${others.length})`, others),
    ]
  })
}

/** Three puts and three gets on one node, together. */
async function manyAtOnce(size: number): Promise<string[][]> {
  return inTown(async (town) => {
    const [first, , , , , node] = town.citizens as [
      Citizen,
      Citizen,
      Citizen,
      Citizen,
      Citizen,
      Citizen,
    ]
    const address = await putKeyStream(first, size)
    const took = await seconds(async () => {
      const puts = [1, 2, 3].map(() => putKeyStream(node, size))
      const gets = [1, 2, 3].map(() => getBack(node, address))
      await Promise.all([...puts, ...gets])
    })
    return [row(`three puts and three gets of ${size / 2 ** 20} MiB at once`, [node], took)]
  })
}

async function inTown<T>(work: (town: Town) => Promise<T>): Promise<T> {
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-bench-')))
  for (let at = 0; at < 6; at++) await town.add(at % 5 === 0 ? 'reader' : 'storage')
  await town.gathered(never)
  const result = await work(town)
  await town.sample()
  return result
}

function row(what: string, citizens: readonly Citizen[], took?: number): string[] {
  const highest = (of: (citizen: Citizen) => number) => Math.max(...citizens.map(of)) / 1e6
  return [
    what,
    highest(({ peak }) => peak.privateBytes).toFixed(1),
    highest(({ peak }) => peak.residentBytes).toFixed(1),
    took === undefined ? '' : took.toFixed(1),
  ]
}

async function bareNode(): Promise<string[]> {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
  await rest(1_000)
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  child.kill()
  const mb = (field: string) =>
    ((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]) * 1024) / 1e6).toFixed(1)
  return ['bare Node', mb('RssAnon'), mb('VmHWM'), '']
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
