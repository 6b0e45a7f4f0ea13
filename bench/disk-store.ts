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
const windows = [1, 4, 16, 32]

/** The disk store with 256 KiB shards, so many at a time, against cp and sync of the same bytes. */
export async function run(args: string[]): Promise<void> {
  process.env.UV_THREADPOOL_SIZE ??= '16' // As the CLI does; read when the first file is opened.
  const mib = Number(args[0] ?? 48)
  const root = mkdtempSync(join(args[1] ?? tmpdir(), 'drey-bench-'))
  const speeds = new Map<string, number[]>()
  const measure = async (what: string, work: () => Promise<void> | void): Promise<void> => {
    const started = performance.now()
    await work()
    const speed = mib / ((performance.now() - started) / 1000)
    speeds.set(what, [...(speeds.get(what) ?? []), speed])
  }
  try {
    await using safe = await openDiskStore(join(root, 'safe'), { log: silentLog })
    await using unsafe = await openDiskStore(join(root, 'unsafe'), {
      log: silentLog,
      unsafeNoSync: true,
    })
    for (let round = 0; round < rounds; round++) {
      for (const window of windows) {
        const shards = Array.from({ length: mib * 4 }, makeShard)
        await measure(`put ${window}`, () => each(shards, window, (shard) => safe.put(shard)))
        await measure(`get ${window}`, () =>
          each(shards, window, (shard) => safe.get(nameOf(shard))),
        )
        await measure(`unsafe ${window}`, () => each(shards, window, (shard) => unsafe.put(shard)))
        await remove(shards, safe, unsafe)
      }
      const [from, to] = [join(root, 'from'), join(root, 'to')]
      writeFiles(from, mib * 4)
      execFileSync('sync', ['-f', root])
      await measure('cp', () => {
        execFileSync('cp', ['-r', from, to])
        execFileSync('sync', ['-f', to])
      })
      for (const folder of [from, to]) rmSync(folder, { recursive: true })
    }
  } finally {
    rmSync(root, { recursive: true })
  }
  const of = (what: string) => median(speeds.get(what)!)
  printTable(
    `The disk store: ${mib} MiB of 256 KiB shards, MiB/s; medians of ${rounds} runs in turn`,
    [
      ['at a time', 'put', 'to cp + sync', 'put, no sync', 'get, from cache'],
      ...windows.map((window) => [
        String(window),
        of(`put ${window}`).toFixed(0),
        (of(`put ${window}`) / of('cp')).toFixed(2),
        of(`unsafe ${window}`).toFixed(0),
        of(`get ${window}`).toFixed(0),
      ]),
    ],
    [`cp and one sync of the same files: ${of('cp').toFixed(0)} MiB/s`],
  )
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
