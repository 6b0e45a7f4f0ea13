import { silentLog } from '../../src/base/log.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import { openDiskStore } from '../../src/store/disk.ts'
import { nameOf, sampleShard } from '../../src/store/sample.ts'
import { formatShardName } from '../../src/store/shardName.ts'

// Puts shards into a store until it is killed, eight at a time, and prints the name of each shard that
// was acknowledged. Arguments: folder, seed.

const [folder = '', seed = '1'] = process.argv.slice(2)
const store = await openDiskStore(folder, { log: silentLog })
const random = seededRandom(Number(seed))

const putForEver = async (): Promise<never> => {
  for (;;) {
    const shard = sampleShard(random, { bytes: between(random, 1, 100_000) })
    await store.put(shard)
    process.stdout.write(`${formatShardName(nameOf(shard))}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, putForEver))
