import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import { openDiskStore } from '../../src/store/disk.ts'
import { formatShardName, parseShardName } from '../../src/store/shardName.ts'

const seed = Number(process.env.DREY_SEED ?? 7)
const kills = Number(process.env.DREY_KILLS ?? 10)
const writer = fileURLToPath(new URL('storeWriter.ts', import.meta.url))

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'drey-crash-'))))
after(() => rm(folder, { recursive: true }))

interface Life {
  /** Whether the time counts from its first acknowledged shard, or from its birth. */
  readonly works: boolean
  readonly livesMs: number
}

/** Lets a process put shards, kills it without warning, and tells what it had acknowledged. */
async function putUntilKilled(
  path: string,
  seed: number,
  { works, livesMs }: Life,
): Promise<string[]> {
  const child = spawn(process.execPath, [writer, path, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const over = once(child, 'close')
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  if (works) await Promise.race([once(child.stdout, 'data'), over])
  await rest(livesMs)
  child.kill('SIGKILL')
  const [, signal] = (await over) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'it was killed, and did not end by itself')
  return said.split('\n').slice(0, -1) // What follows the last line's end is half a name.
}

describe('a store whose process is killed at any instant', () => {
  it(`has every acknowledged shard, whole, and no half one (${kills} kills, seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const acknowledged = new Set<string>()
    for (let kill = 0; kill < kills; kill++) {
      // A third of them die young: while they make the store, open it, or clean up after the last one.
      const life: Life = { works: random.fraction() < 0.7, livesMs: between(random, 0, 400) }
      const names = await putUntilKilled(folder, seed + kill, life)
      assert.ok(names.length > 0 || !life.works)
      for (const name of names) acknowledged.add(name)

      await using store = await openDiskStore(folder, { log: silentLog })
      assert.deepEqual(await readdir(join(folder, 'tmp')), [])
      const listed = new Set((await Array.fromAsync(store.list())).map(formatShardName))
      for (const name of acknowledged) assert.ok(listed.has(name), `kill ${kill}: ${name} is lost`)
      const files = await readdir(join(folder, 'shards'), { recursive: true, withFileTypes: true })
      const found = files.filter((file) => file.isFile()).map(({ name }) => name)
      assert.deepEqual(new Set(found), listed, 'every file is under the name of a shard')
      assert.equal((await store.usage()).shards, listed.size)
      for (const name of listed) {
        assert.ok((await store.get(parseShardName(name)!)) !== undefined, `${name} is not whole`)
      }
      assert.deepEqual(await readdir(join(folder, 'quarantine')), [])
    }
  })
})
