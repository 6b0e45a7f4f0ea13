import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CarReader } from '@ipld/car'
import { seededRandom } from '../../src/base/random.ts'
import { drey } from './drey.ts'

const random = seededRandom(71)
const film = random.bytes(1_500_000)
let home: string
const at = (name: string) => join(home, name)

async function run(swarm: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await drey(['--data', at(swarm), '--quiet', ...args])
  assert.equal(code, 0, stderr)
  return stdout.toString().trim()
}

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'drey-car-'))
  for (const swarm of ['oak', 'elm']) await run(swarm, 'init', '--name', swarm, '--listen', 'none')
  await mkdir(at('tree/in'), { recursive: true })
  await writeFile(at('tree/in/film'), film)
  await writeFile(at('tree/note'), 'an acorn')
})
after(() => rm(home, { recursive: true }))

describe('What is exported from one swarm', () => {
  it('is imported into another, a folder with all below it, and read there with the link', async () => {
    const address = await run('oak', 'put', at('tree'))
    const link = await run('oak', 'share', address)
    await run('oak', 'export', address, '-o', at('tree.car'))
    assert.equal(await run('elm', 'import', at('tree.car')), address)

    await run('elm', 'get', link, '-o', at('back'))

    assert.ok((await readFile(at('back/in/film'))).equals(film))
    assert.equal(await readFile(at('back/note'), 'utf8'), 'an acorn')
    assert.match(await run('elm', 'list'), new RegExp(address))
  })

  it('goes through a pipe as into a file, and has its address for a root', async () => {
    const address = await run('oak', 'put', at('tree/note'))
    const { stdout } = await drey(['--data', at('oak'), 'export', address])
    const [root] = await (await CarReader.fromBytes(stdout)).getRoots()
    assert.equal(String(root), address)
    const { code } = await drey(['--data', at('elm'), 'import', '-'], stdout)
    assert.equal(code, 0)
  })

  it('is refused when it is not whole, or no CAR, and nothing of it is listed', async () => {
    const car = await readFile(at('tree.car'))
    const before = await run('elm', '--json', 'list')
    for (const wrong of [car.subarray(0, car.length - 1), Buffer.from('no CAR'), Buffer.alloc(0)]) {
      const { code, stderr } = await drey(['--data', at('elm'), 'import', '-'], wrong)
      assert.equal(code, 2)
      assert.match(stderr, /CAR/)
    }
    assert.equal(await run('elm', '--json', 'list'), before)
  })
})
