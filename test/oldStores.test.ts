import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Town } from '../src/cli/town.ts'
import { DataFolder } from '../src/daemon/folder.ts'
import type { GarbageReport } from '../src/mend/collect.ts'
import { drey } from './system/drey.ts'
import type { Promised } from './old-stores/promised.ts'

const home = join(import.meta.dirname, 'old-stores')
const versions = (await readdir(home)).filter((name) => /^\d/.test(name))

/** A copy of an old data folder, an owner's unless it is said, on which a node of today runs. */
async function opened(
  version: string,
  whose: 'data' | 'holder' = 'data',
  prepare = async (_folder: DataFolder) => {},
) {
  await using parts = new AsyncDisposableStack()
  const town = parts.use(new Town(await mkdtemp(join(tmpdir(), 'drey-old-'))))
  const folder = new DataFolder(join(town.folder, whose))
  await cp(join(home, version, whose), folder.path, { recursive: true })
  await chmod(folder.path, 0o700)
  await prepare(folder)
  await town.settle('old', 'reader', folder, ['--no-lan', '--no-dht', '--no-router'])
  const text = await readFile(join(home, version, 'promised.json'), 'utf8')
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await drey(['--data', folder.path, ...args])
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const close = parts.move()
  const promised = JSON.parse(text) as Promised
  return { run, promised, [Symbol.asyncDispose]: () => close.disposeAsync() }
}

type Opened = Awaited<ReturnType<typeof opened>>

/** Reads everything that is promised. */
async function readAll({ run, promised }: Opened): Promise<void> {
  for (const { address, link, size, sha256 } of promised.blobs) {
    for (const reference of [address, link]) {
      const bytes = await run('get', reference)
      assert.equal(bytes.length, size)
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
    }
  }
  const { address, path, text } = promised.folder
  assert.equal((await run('cat', `${address}/${path}`)).toString(), text)
}

assert.ok(versions.length > 0, 'there are old data folders')
for (const version of versions) {
  describe(`A data folder that ${version} left behind`, () => {
    it('is opened, and gives every blob back, by its address and by its link', async () => {
      await using old = await opened(version)
      await readAll(old)
    })

    it('still knows what its names mean, what was stored, and that nothing has rotted', async () => {
      await using old = await opened(version)
      for (const [name, address] of Object.entries(old.promised.names)) {
        const log = (await old.run('--json', 'name', 'log', name)).toString()
        const { versions: all } = JSON.parse(log) as { versions: { address: string }[] }
        assert.equal(all[0]!.address, address)
      }
      const list = (await old.run('--json', 'list')).toString()
      const { blobs } = JSON.parse(list) as { blobs: { address: string }[] }
      const listed = new Set(blobs.map(({ address }) => address))
      const { folder, blobs: promised } = old.promised
      for (const { address } of [folder, ...promised]) assert.ok(listed.has(address), address)
      await old.run('scrub', '--now')
    })

    it('can be written to', async () => {
      await using old = await opened(version)
      const { folder } = old.promised
      await old.run('rm', folder.address)
      await old.run('put', join(home, version, 'promised.json'))
    })

    if (!existsSync(join(home, version, 'holder'))) return
    it('gives every blob back from what its holder kept, when its own shards are lost', async () => {
      await using old = await opened(version, 'data', async ({ store }) => {
        await rm(join(store, 'shards'), { recursive: true })
        await cp(join(home, version, 'holder', 'store'), store, { recursive: true })
      })
      await readAll(old)
    })

    it('has a holder that opens, has all of its shards whole, and lets none of them go', async () => {
      await using holder = await opened(version, 'holder')
      await holder.run('scrub', '--now')
      const said = (await holder.run('--json', 'gc', '--dry-run')).toString()
      const { removed, adopted } = JSON.parse(said) as GarbageReport
      assert.deepEqual([removed.blocks, adopted.blocks], [0, 0]) // Its leases are known.
    })
  })
}
