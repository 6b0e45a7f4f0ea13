import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf } from '../src/address/address.ts'
import { silentLog } from '../src/base/log.ts'
import { openDiskStore } from '../src/store/disk.ts'
import { nameOf } from '../src/store/sample.ts'
import type { Shard, Store } from '../src/store/store.ts'
import { median, printTable } from './table.ts'

const shardBytes = 256 * 1024
const rounds = 5
const windows = [1, 4, 8, 16, 32]
const threadCounts = ['4', '16'] // What Node begins with, and what the CLI gives a node.

/** The disk store with 256 KiB shards, so many at a time, against cp and sync of the same bytes. */
export async function run(args: string[]): Promise<void> {
  const [mib = '48', folder = tmpdir(), ...rest] = args
  if (rest[0] === 'once')
    return void console.log(JSON.stringify(await measure(Number(mib), folder)))
  const seconds = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const threads of threadCounts) {
      for (const [what, took] of measuredWith(threads, [mib, folder])) {
        seconds.set(what, [...(seconds.get(what) ?? []), took])
      }
    }
  }
  const speed = (what: string) => Number(mib) / median(seconds.get(what)!)
  const cp = speed('cp')
  printTable(
    `The disk store: ${mib} MiB of 256 KiB shards, MiB/s; medians of ${rounds} runs in turn`,
    [
      ['at a time', 'put', 'to cp + sync', 'put, 4 threads', 'put, no sync', 'get, from cache'],
      ...windows.map((window) => [
        String(window),
        speed(`16 put ${window}`).toFixed(0),
        (speed(`16 put ${window}`) / cp).toFixed(2),
        speed(`4 put ${window}`).toFixed(0),
        speed(`16 unsafe ${window}`).toFixed(0),
        speed(`16 get ${window}`).toFixed(0),
      ]),
    ],
    [`cp and one sync of the same files: ${cp.toFixed(0)} MiB/s`],
  )
}

/** One round in a process of its own: how many threads wait for the disk is settled when it starts. */
function measuredWith(threads: string, args: string[]): [what: string, seconds: number][] {
  const bench = join(import.meta.dirname, 'main.ts')
  const said = execFileSync(process.execPath, [bench, 'disk-store', ...args, 'once'], {
    env: { ...process.env, UV_THREADPOOL_SIZE: threads },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  const measured = JSON.parse(said) as [string, number][]
  return measured.map(([what, took]) => [what === 'cp' ? what : `${threads} ${what}`, took])
}

/** Seconds that everything takes once. */
async function measure(mib: number, folder: string): Promise<[what: string, seconds: number][]> {
  const root = mkdtempSync(join(folder, 'drey-bench-'))
  const measured: [string, number][] = []
  const timed = async (what: string, work: () => Promise<void> | void): Promise<void> => {
    const started = performance.now()
    await work()
    measured.push([what, (performance.now() - started) / 1000])
  }
  try {
    const log = silentLog
    await using safe = await openDiskStore(join(root, 'safe'), { log })
    await using unsafe = await openDiskStore(join(root, 'unsafe'), { log, unsafeNoSync: true })
    for (const window of windows) {
      const shards = Array.from({ length: mib * 4 }, makeShard)
      await timed(`put ${window}`, () => each(shards, window, (shard) => safe.put(shard)))
      await timed(`get ${window}`, () => each(shards, window, (shard) => safe.get(nameOf(shard))))
      await timed(`unsafe ${window}`, () => each(shards, window, (shard) => unsafe.put(shard)))
      await remove(shards, safe, unsafe)
    }
    const [from, to] = [join(root, 'from'), join(root, 'to')]
    writeFiles(from, mib * 4)
    execFileSync('sync', ['-f', root])
    await timed('cp', () => {
      execFileSync('cp', ['-r', from, to])
      execFileSync('sync', ['-f', to])
    })
  } finally {
    rmSync(root, { recursive: true })
  }
  return measured
}

function makeShard(): Shard {
  const bytes = new Uint8Array(randomBytes(shardBytes))
  const block = addressOf('raw', 'blake3', bytes)
  const layout = { block, size: shardBytes, k: 1, n: 1, shards: [block.multihash.digest] }
  return { layout, index: 0, bytes }
}

function writeFiles(folder: string, count: number): void {
  mkdirSync(folder)
  for (let file = 0; file < count; file++) {
    writeFileSync(join(folder, String(file)), randomBytes(shardBytes))
  }
}

async function each<T>(
  items: readonly T[],
  window: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items.values()
  const worker = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: window }, worker))
}

async function remove(shards: readonly Shard[], ...stores: Store[]): Promise<void> {
  for (const store of stores) await each(shards, 16, (shard) => store.delete(nameOf(shard)))
}
