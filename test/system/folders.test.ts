import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { between, seededRandom } from '../../src/base/random.ts'
import { statusOf, type Citizen, type Town } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { openTown } from './fire.ts'
import { until } from './networkTown.ts'

const patienceMs = 30_000
const random = seededRandom(41)
const { signal } = new AbortController()

interface Put {
  readonly address: string
  readonly newBytes: number
}

describe('A folder', () => {
  let town: Town
  let ann: Citizen, ben: Citizen
  let tree: string
  let address = ''
  before(async () => {
    town = await openTown(3, 'folders', { graceMs: 1_000 })
    ;[ann, ben] = town.citizens as [Citizen, Citizen]
    tree = join(town.folder, 'tree')
    await makeTree(tree)
  })
  after(() => town[Symbol.asyncDispose]())

  async function run(at: Citizen, args: readonly string[]): Promise<Buffer> {
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, ...args])
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const text = async (at: Citizen, args: readonly string[]) =>
    (await run(at, args)).toString().trim()
  const put = async (at: Citizen, args: readonly string[] = []) =>
    JSON.parse(await text(at, ['--json', 'put', tree, ...args])) as Put

  it('is stored as one address, and another member gets it back with modes, times and links', async () => {
    ;({ address } = await put(ann))
    const back = join(town.folder, 'back')
    await run(ben, ['get', address, '-o', back])
    execFileSync('diff', ['-r', '--no-dereference', tree, back])
    assert.equal(shapeOf(back), shapeOf(tree))
  })

  it('is looked into without being fetched', async () => {
    assert.deepEqual((await text(ben, ['ls', address])).split('\n').toSorted(), [
      '.hidden',
      'a/',
      'empty/',
      'link -> a/file 1',
      'nothing',
    ])
    assert.match(await text(ben, ['ls', '-l', `${address}/a`]), /-rwxr-x--- .* file 2/)
    assert.match(await text(ben, ['tree', address]), /deep\/\n/)
    const file = await run(ben, ['cat', `${address}/a/deep/big`])
    assert.equal(file.length, 2_500_000)
    const { code, stderr } = await drey(['--data', ben.folder.path, 'cat', `${address}/a/b`])
    assert.equal(code, 3, stderr)
    assert.match(stderr, /there is no "a\/b" in this folder/)
  })

  it('is shared by its link, and so is what is in it, which says nothing of the rest', async () => {
    const whole = await text(ann, ['share', address])
    const one = await text(ann, ['share', `${address}/a/deep`])
    assert.match(await text(ben, ['tree', whole]), /deep\/\n/)
    assert.equal(await text(ben, ['ls', one]), 'big')
    assert.ok(!one.includes(address))
  })

  it('sends nothing when it is stored again, and what has changed when something has', async () => {
    assert.deepEqual(await put(ann).then(({ address: same, newBytes }) => [same, newBytes]), [
      address,
      0,
    ])
    await writeFile(join(tree, 'a', 'file 7'), random.bytes(5_000))
    const changed = await put(ann)
    assert.notEqual(changed.address, address)
    assert.ok(changed.newBytes > 5_000 && changed.newBytes < 60_000, String(changed.newBytes))
    await run(ann, ['rm', changed.address])
  })

  it('leaves out what it is told to', async () => {
    const some = await put(ann, ['--exclude', 'deep/', '*1*', '--no-hidden'])
    const names = await text(ann, ['tree', some.address])
    assert.doesNotMatch(names, /deep|^ {2}file 1$|hidden/m)
    assert.match(names, /file 2/)
    await run(ann, ['rm', some.address])
  })

  it('is never written over what is there', async () => {
    const { code, stderr } = await drey(['--data', ben.folder.path, 'get', address, '-o', tree])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /there and not empty/)
  })

  it('is checked with all that is below it, and stays whole for another who keeps it', async () => {
    const seen = JSON.parse(await text(ben, ['--json', 'check', address])) as { blocks: number }
    assert.ok(seen.blocks > 45, String(seen.blocks))
    await run(ben, ['keep', address])
    await run(ann, ['rm', address])
    for (const citizen of town.citizens) await run(citizen, ['gc'])
    const back = join(town.folder, 'kept')
    await run(ben, ['get', address, '-o', back])
    execFileSync('diff', ['-r', '--no-dereference', join(town.folder, 'back'), back])
  })

  it('goes when nobody wants it any more, with all that is below it', async () => {
    await run(ben, ['rm', address])
    const isEmpty = async () => {
      for (const citizen of town.citizens) await run(citizen, ['gc'])
      const all = await Promise.all(town.citizens.map((each) => statusOf(each, signal)))
      return all.every(({ shards }) => shards === 0)
    }
    await until(isEmpty, patienceMs, 'no node has a shard')
  })
})

async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, 'a', 'deep'), { recursive: true })
  await mkdir(join(root, 'empty'))
  await writeFile(join(root, 'nothing'), '')
  await writeFile(join(root, '.hidden'), 'h')
  for (let at = 0; at < 40; at++) {
    await writeFile(join(root, 'a', `file ${at}`), random.bytes(between(random, 1, 30_000)))
  }
  await chmod(join(root, 'a', 'file 2'), 0o750)
  await writeFile(join(root, 'a', 'deep', 'big'), random.bytes(2_500_000))
  await symlink('a/file 1', join(root, 'link'))
  await utimes(join(root, 'a', 'deep'), 1, 981_173_106)
}

/** Paths with types, modes, whole seconds and links' targets. */
function shapeOf(root: string): string {
  const format = '%P %y %m %TY-%Tm-%Td %TH:%TM:%.2TS %l\n'
  return execFileSync('find', ['.', '-printf', format], { cwd: root })
    .toString()
    .split('\n')
    .toSorted()
    .join('\n')
}
