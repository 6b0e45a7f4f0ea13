// A whole swarm inside a test: three nodes in this process. One goes without a word, and nothing is lost.
//
//   node --test swarm.test.ts
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { openNode, type Drey } from 'drey'

let home: string
let nodes: Drey[]

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'swarm-'))
  nodes = await openSwarm(3)
})
after(async () => {
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
  await rm(home, { recursive: true })
})

/** Opens so many nodes: the first founds the swarm, and the others join it. */
async function openSwarm(count: number): Promise<Drey[]> {
  // Any free port, and nobody is sought who is not in this test.
  const local = { listen: '127.0.0.1:0', without: ['lan', 'dht', 'router'] } as const
  const first = await openNode({ ...local, data: join(home, '1'), name: '1', create: true })
  const { token } = await first.invite({ role: 'reader', uses: count })
  const others = Array.from({ length: count - 1 }, (_, index) => {
    const name = String(index + 2)
    return openNode({ ...local, data: join(home, name), name, join: token })
  })
  const all = [first, ...(await Promise.all(others))]
  await Promise.all(all.map((node) => node.whenLive(count)))
  return all
}

it('gives a blob back when any one of three nodes has gone', async () => {
  const [first, second, third] = nodes
  const film = crypto.getRandomValues(new Uint8Array(60_000))
  const { address, survives } = await first!.put(film)
  assert.equal(survives, 1)

  await first![Symbol.asyncDispose]()

  assert.deepEqual(await second!.get(address).bytes(), film)
  assert.deepEqual(await third!.get(address).bytes(), film)
})
