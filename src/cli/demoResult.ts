import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { shardFiles } from './damage.ts'
import { formatSize } from './output.ts'
import { formatTable } from './table.ts'
import type { Citizen, Town } from './town.ts'

interface Rate {
  readonly seconds: number
  readonly mibPerSecond: number
}

export interface NodeFigures {
  readonly name: string
  readonly role: string
  readonly peakPrivateBytes: number
  readonly peakResidentBytes: number
  readonly diskBytes: number
  /** Bytes of the file that its own disk and its own keys would give whoever takes them. */
  readonly readableBytes: number
}

/** What the demo showed, as `--json` prints it. */
export interface DemoResult {
  readonly ok: boolean
  readonly address: string
  readonly bytes: number
  readonly summary: string
  readonly put: Rate
  readonly get: Rate
  readonly getDamaged: Rate
  readonly nodes: readonly NodeFigures[]
  readonly killed: readonly string[]
  readonly corruptionNamed: boolean
}

export function figuresOf(town: Town, k: number): Promise<NodeFigures[]> {
  return Promise.all(town.citizens.map((citizen) => figuresOfOne(citizen, k)))
}

/** Readable is what a node has a key for and k shards of: blocks are counted, not believed. */
async function figuresOfOne(citizen: Citizen, k: number): Promise<NodeFigures> {
  const blocks = new Map<string, { shards: number; bytes: number }>()
  let diskBytes = 0
  for await (const { path, block } of shardFiles(citizen.folder)) {
    const { size } = await stat(path)
    diskBytes += size
    const so = blocks.get(block) ?? { shards: 0, bytes: 0 }
    blocks.set(block, { shards: so.shards + 1, bytes: so.bytes + size })
  }
  const hasKey = existsSync(citizen.folder.readKey)
  const whole = [...blocks.values()].filter(({ shards }) => shards >= k)
  return {
    name: citizen.name,
    role: citizen.role,
    peakPrivateBytes: citizen.peak.privateBytes,
    peakResidentBytes: citizen.peak.residentBytes,
    diskBytes,
    readableBytes: hasKey ? whole.reduce((sum, { bytes }) => sum + bytes, 0) : 0,
  }
}

export function describeDemo(result: DemoResult): string {
  const { put, get, getDamaged, nodes, bytes } = result
  const row = (what: string, { seconds, mibPerSecond }: Rate) => [
    what,
    seconds.toFixed(1),
    mibPerSecond.toFixed(0),
  ]
  const speeds = formatTable([
    ['', 'seconds', 'MiB/s'],
    row('put', put),
    row(`get, ${result.killed.length} nodes killed`, get),
    row('get, one shard flipped', getDamaged),
  ])
  const mb = (value: number) => (value / 1e6).toFixed(1)
  const perNode = formatTable([
    ['node', 'role', 'private MB, peak', 'resident MB, peak', 'on disk', 'could read alone'],
    ...nodes.map((node) => [
      node.name,
      node.role,
      mb(node.peakPrivateBytes),
      mb(node.peakResidentBytes),
      formatSize(node.diskBytes),
      formatSize(node.readableBytes),
    ]),
  ])
  const verdict = result.ok ? 'came back byte for byte' : 'DID NOT COME BACK AS IT SHOULD'
  return `${speeds}\n\n${perNode}\n\n${formatSize(bytes)} ${verdict}.`
}
