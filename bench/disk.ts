import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readInput } from '../src/cli/files.ts'
import { Progress } from '../src/cli/progress.ts'
import { storeBlob } from '../src/cli/put.ts'
import { Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { cpuSeconds } from './cpu.ts'
import { median, printTable } from './table.ts'

const rounds = 5
const signal = new AbortController().signal

/** A put at one node whose disk is local, syncs on, against cp and sync of as many bytes; in turn. */
export async function run(args: string[]): Promise<void> {
  const mib = Number(args[0] ?? 256)
  await warmUp()
  await using town = new Town(await mkdtemp(join(args[1] ?? tmpdir(), 'drey-bench-')))
  const node = await town.add('reader')
  const put: number[] = []
  const copied: number[] = []
  const cpu: number[] = []
  for (let round = 0; round < rounds; round++) {
    const path = join(town.folder, `file-${round}`)
    await fill(path, mib)
    execFileSync('sync', ['-f', path])
    const before = cpuSeconds(node)
    put.push(mib / (await seconds(() => putFile(node, path))))
    cpu.push((cpuSeconds(node) - before) / (mib / 1024))
    execFileSync('sync', ['-f', path])
    copied.push(mib / (await seconds(() => copy(path))))
    await Promise.all([rm(path), rm(`${path}.copy`)])
  }
  const [speed, cp, cost] = [median(put), median(copied), median(cpu)]
  printTable(
    `A put at one node, synced, 1 of 1: ${mib} MiB; medians of ${rounds} runs in turn`,
    [
      ['', 'MiB/s', 'to cp + sync'],
      ['cp and sync of the file', cp.toFixed(0), ''],
      ['drey put', speed.toFixed(0), (speed / cp).toFixed(2)],
      ['what the CPU alone would allow', (1024 / cost).toFixed(0), (1024 / cost / cp).toFixed(2)],
    ],
    [`the node's process: ${cost.toFixed(2)} CPU seconds a GiB, on one core`],
  )
}

async function putFile(node: Citizen, path: string): Promise<void> {
  const { body } = await readInput(path)
  const progress = new Progress({ quiet: true }, '')
  await storeBlob(node.door, body, { signal, progress })
}

function copy(path: string): void {
  execFileSync('cp', [path, `${path}.copy`])
  execFileSync('sync', ['-f', `${path}.copy`])
}

async function fill(path: string, mib: number): Promise<void> {
  await using file = await open(path, 'w')
  for (let done = 0; done < mib; done++) await file.writeFile(randomBytes(1 << 20))
}

async function seconds(work: () => Promise<void> | void): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
