import { mkdir } from 'node:fs/promises'
import { measureMachine } from '../daemon/bench.ts'
import { dataFolder } from '../daemon/folder.ts'
import { note, parseSize, say, type Global } from './output.ts'
import { formatTable } from './table.ts'

export interface BenchCommand extends Global {
  readonly size: string
  readonly threads: string
}

/** `drey bench`: what this machine and the disk of the data folder can do for a node. */
export async function benchCommand(options: BenchCommand, signal: AbortSignal): Promise<void> {
  const folder = dataFolder(options.data).path
  const mib = Math.max(1, Math.round(parseSize(options.size) / 2 ** 20))
  note(options, `Measuring with ${mib} MiB, on the disk of ${folder}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const speeds = await measureMachine(folder, { mib, threads: Number(options.threads), signal })
  const rows = [
    ['', 'MiB/s'],
    ['pipe: hash, seal, address, code 4+2', speeds.pipe.toFixed(0)],
    ['disk: shards of 256 KiB, each synced', speeds.disk.toFixed(0)],
    ['wire: shards over mutual TLS, both sides here', speeds.wire.toFixed(0)],
  ]
  say(options, { mib, mibPerSecond: speeds }, formatTable(rows))
}
