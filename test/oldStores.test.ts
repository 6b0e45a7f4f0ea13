import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { drey } from './system/drey.ts'
import type { Promised } from './old-stores/promised.ts'

const home = join(import.meta.dirname, 'old-stores')
const versions = (await readdir(home)).filter((name) => /^\d/.test(name))

/** A copy of an old data folder, for commands of today. */
async function opened(version: string) {
  const folder = await mkdtemp(join(tmpdir(), 'drey-old-'))
  await cp(join(home, version, 'data'), folder, { recursive: true })
  await chmod(folder, 0o700)
  const text = await readFile(join(home, version, 'promised.json'), 'utf8')
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await drey(['--data', folder, ...args])
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const close = () => rm(folder, { recursive: true })
  return { run, promised: JSON.parse(text) as Promised, [Symbol.asyncDispose]: close }
}

assert.ok(versions.length > 0, 'there are old data folders')
for (const version of versions) {
  describe(`A data folder that ${version} left behind`, () => {
    it('is opened, and gives every blob back, by its address and by its link', async () => {
      await using old = await opened(version)
      for (const { address, link, size, sha256 } of old.promised.blobs) {
        for (const reference of [address, link]) {
          const bytes = await old.run('get', reference)
          assert.equal(bytes.length, size)
          assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
        }
      }
      const { address, path, text } = old.promised.folder
      assert.equal((await old.run('cat', `${address}/${path}`)).toString(), text)
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
  })
}
