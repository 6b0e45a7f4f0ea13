import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { silentLog } from '../base/log.ts'
import { neighbourhood } from '../node/neighbourhood.ts'
import { DataFolder } from './folder.ts'
import { readPeers, rememberPeers } from './peers.ts'

describe('a node', () => {
  it('remembers whom it has met, besides whom it knew', async () => {
    await using scratch = await scratchFolder()
    await using town = await neighbourhood({ peers: 3 })
    const { members } = town.peers[0]!.node
    {
      await using _ = rememberPeers(scratch.folder, members, ['old:1'], silentLog)
    }
    assert.deepEqual((await readPeers(scratch.folder)).toSorted(), ['n1:1', 'n2:1', 'old:1'])
  })

  it('starts without the list, and with a damaged one', async () => {
    await using scratch = await scratchFolder()
    assert.deepEqual(await readPeers(scratch.folder), [])
    await writeFile(scratch.folder.peers, '["n1:1", 7')
    assert.deepEqual(await readPeers(scratch.folder), [])
    await writeFile(scratch.folder.peers, '["n1:1", 7]')
    assert.deepEqual(await readPeers(scratch.folder), ['n1:1'])
  })
})

async function scratchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'drey-peers-'))
  return {
    folder: new DataFolder(path),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  }
}
