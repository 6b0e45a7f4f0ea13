import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { dreySuite } from './dreySuite.ts'
import { connect, openNode } from './open.ts'
import { treeSuite } from './treeSuite.ts'

const home = await mkdtemp(join(tmpdir(), 'drey-library-'))
const without = ['lan', 'dht', 'router'] as const
const alone = { create: true, listen: '127.0.0.1:0', without }
const running = await openNode({ ...alone, data: join(home, 'running') })
after(async () => {
  await running[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

let folders = 0
const own = () => openNode({ ...alone, data: join(home, `own-${folders++}`) })
const other = () => connect(join(home, 'running'))
for (const suite of [dreySuite, treeSuite]) {
  suite('A node that is opened in this process', own)
  suite('A running node that is spoken to', other)
}
