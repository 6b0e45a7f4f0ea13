import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import type { Citizen, Town } from '../../src/cli/town.ts'
import { DataFolder } from '../../src/daemon/folder.ts'
import type { ListReply } from '../../src/gateway/leases.ts'
import type { NameReply } from '../../src/gateway/names.ts'
import type { CatalogView } from '../../src/gateway/recover.ts'
import { drey } from './drey.ts'
import { openTown } from './fire.ts'
import { until } from './networkTown.ts'

const patienceMs = 30_000
const random = seededRandom(97)

describe('Somebody whose machine is lost', () => {
  let town: Town
  let ann: Citizen, ben: Citizen, another: Citizen
  const film = random.bytes(5_000_000)
  before(async () => {
    town = await openTown(3, 'recover', { without: ['lan', 'dht', 'router'] })
    ;[ann, ben] = town.citizens as [Citizen, Citizen]
  })
  after(() => town[Symbol.asyncDispose]())

  async function run(at: Citizen, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, ...args], input)
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const text = async (at: Citizen, args: readonly string[], input?: Uint8Array) =>
    (await run(at, args, input)).toString().trim()
  const json = async <T>(at: Citizen, args: readonly string[]) =>
    JSON.parse(await text(at, ['--json', ...args])) as T
  const namesIn = async (at: Citizen) =>
    (await json<ListReply>(at, ['list'])).blobs.map(({ name }) => name).toSorted()
  const catalogOfBen = async (at: Citizen) =>
    (await json<{ catalogs: CatalogView[] }>(at, ['recover', '--list'])).catalogs.find(
      ({ name }) => name === ben.name,
    )

  it('has told the swarm what is stored, and who sees it is not told what', async () => {
    const address = await text(ben, ['put', '-', '--name', 'film.mkv'], film)
    await text(ben, ['put', '-', '--name', 'gone'], random.bytes(1_000))
    await text(ben, ['name', 'set', 'film', address])
    const tree = join(town.folder, 'photos')
    await mkdir(join(tree, '2026'), { recursive: true })
    await writeFile(join(tree, '2026', 'acorn.txt'), 'an acorn')
    await text(ben, ['name', 'set', 'photos', await text(ben, ['put', tree])])
    const { blobs } = await json<ListReply>(ben, ['list', '--search', 'gone'])
    await run(ben, ['rm', blobs[0]!.address])
    await until(
      async () => (await catalogOfBen(ann))?.entries === 2,
      patienceMs,
      'the catalog is known at another member',
    )
    assert.deepEqual(await namesIn(ben), ['film.mkv', 'photos'])
    assert.deepEqual(await namesIn(ann), [])
  })

  it('is told that the list of a member that is here is its own', async () => {
    const { code, stderr } = await drey(['--data', ann.folder.path, 'recover', ben.name])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /is here: .*--force/)
  })

  it('joins with another, and has names, list and data back', async () => {
    await town.kill(ben)
    await rm(ben.folder.path, { recursive: true })
    const token = await text(ann, ['-q', 'invite', '--role', 'reader'])
    const folder = new DataFolder(join(town.folder, 'another'))
    const joined = await drey([
      ...['--data', folder.path, 'join', token],
      ...['--name', 'another', '--listen', '127.0.0.1:0'],
    ])
    assert.equal(joined.code, 0, joined.stderr)
    another = await town.settle('another', 'reader', folder)
    await until(
      async () => (await catalogOfBen(another))?.state === 'away',
      patienceMs,
      'the new node knows the catalog of the lost one',
    )
    const done = await json<{ entries: number; fresh: number }>(another, ['recover'])
    assert.deepEqual([done.entries, done.fresh], [2, 2])
    assert.deepEqual(await namesIn(another), ['film.mkv', 'photos'])
    assert.ok((await run(another, ['get', 'film'])).equals(film))
    assert.equal(await text(another, ['cat', 'photos/2026/acorn.txt']), 'an acorn')
    const { names } = await json<{ names: NameReply[] }>(another, ['name', 'list'])
    assert.deepEqual(
      names.map(({ name }) => name),
      ['film', 'photos'],
    )
  })

  it('can remove what was stored from the lost machine', async () => {
    await run(another, ['rm', 'film'])
    assert.deepEqual(await namesIn(another), ['photos'])
    const { code } = await drey(['--data', another.folder.path, 'rm', 'film'])
    assert.equal(code, 3)
  })

  it('is still answered by a node that is opened for one command, while nobody else is there', async () => {
    for (const citizen of [ann, another, town.citizens[2]!]) await town.kill(citizen)
    assert.deepEqual(await namesIn(another), ['photos'])
  })
})
