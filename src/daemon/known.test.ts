import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { memoryLog, silentLog, type LogLine } from '../base/log.ts'
import { neighbourhood } from '../node/neighbourhood.ts'
import { DataFolder } from './folder.ts'
import { keepRecords, readKnown, saveEvictions } from './known.ts'

async function scratchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'drey-known-'))
  return {
    folder: new DataFolder(path),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  }
}

describe('A node', () => {
  it('remembers what members said, and who was evicted, for its next start', async () => {
    await using scratch = await scratchFolder()
    await using town = await neighbourhood({ peers: 3 })
    const { membership } = town.peers[0]!
    {
      await using _ = keepRecords(scratch.folder, membership, silentLog)
    }
    const eviction = new Uint8Array([1, 2, 3])
    await saveEvictions(scratch.folder, [eviction])
    const { records, evictions } = await readKnown(scratch.folder, silentLog)
    assert.deepEqual(new Set(records), new Set(membership.records()))
    assert.equal(records.length, 3)
    assert.deepEqual(evictions, [eviction])
    assert.equal((await stat(scratch.folder.evictions)).mode & 0o777, 0o600)
  })

  it('starts without these lists, and with damaged ones, and says so', async () => {
    await using scratch = await scratchFolder()
    const lines: LogLine[] = []
    const log = memoryLog(lines)
    assert.deepEqual(await readKnown(scratch.folder, log), { records: [], evictions: [] })
    assert.deepEqual(lines, [])
    await writeFile(scratch.folder.members, 'no base64 of anything')
    await writeFile(scratch.folder.evictions, Buffer.from([0x81, 0x01]).toString('base64'))
    assert.deepEqual(await readKnown(scratch.folder, log), { records: [], evictions: [] })
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['error', 'error'],
    )
  })
})
