import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { DataFolder } from '../../src/daemon/folder.ts'
import type { MemberView } from '../../src/gateway/members.ts'
import type { Role } from '../../src/transport/transporter.ts'
import { drey } from './drey.ts'

const random = seededRandom(71)
const { signal } = new AbortController()
const patienceMs = 20_000

let town: Town
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-join-')))
})
after(() => town[Symbol.asyncDispose]())

/** Runs a command at a node's folder; what it says on stdout. */
async function run(at: DataFolder, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const { code, stdout, stderr } = await drey(['--data', at.path, ...args], input)
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

const folderOf = (name: string) => new DataFolder(join(town.folder, name))
const text = async (at: DataFolder, args: readonly string[], input?: Uint8Array) =>
  (await run(at, args, input)).toString().trim()

async function found(name: string): Promise<Citizen> {
  const folder = folderOf(name)
  await run(folder, ['init', '--name', name, '--listen', '127.0.0.1:0'])
  return town.settle(name, 'issuer', folder)
}

/** As two people would: one invites, the other joins and starts. */
async function joinBy(inviter: Citizen, name: string, role: Role): Promise<Citizen> {
  const token = await text(inviter.folder, ['-q', 'invite', '--role', role])
  const folder = folderOf(name)
  await run(folder, ['join', token, '--name', name, '--listen', '127.0.0.1:0'])
  return town.settle(name, role, folder)
}

async function membersAt({ folder }: Citizen): Promise<MemberView[]> {
  const shown = await text(folder, ['--json', 'members'])
  return (JSON.parse(shown) as { members: MemberView[] }).members
}

async function until(condition: () => Promise<boolean>, why: string): Promise<void> {
  const limit = Date.now() + patienceMs
  while (!(await condition())) {
    assert.ok(Date.now() < limit, why)
    await systemClock.sleep(100)
  }
}

const isLive = async (at: Citizen, name: string) =>
  (await membersAt(at)).some((member) => member.name === name && member.state === 'live')

describe('A swarm', () => {
  it('is founded, grows by invitation, and goes on without its founder', async () => {
    const anna = await found('anna')
    const ben = await joinBy(anna, 'ben', 'issuer')
    const cleo = await joinBy(anna, 'cleo', 'storage')
    await town.gathered(signal)
    const bytes = random.bytes(3_000_000)
    const address = await text(anna.folder, ['put', '-'], bytes)
    assert.ok((await run(ben.folder, ['get', address])).equals(bytes))

    await town.kill(anna)
    const dora = await joinBy(ben, 'dora', 'reader')
    await until(() => isLive(dora, 'cleo'), 'dora meets cleo, of whom she was not told')
    assert.ok((await run(dora.folder, ['get', address])).equals(bytes))
    const again = await text(dora.folder, ['put', '-'], bytes)
    assert.equal(again, address)
    assert.deepEqual(
      (await membersAt(cleo)).map(({ name, role }) => `${name} ${role}`).toSorted(),
      ['anna issuer', 'ben issuer', 'cleo storage', 'dora reader'],
    )
  })

  it('gives a storage member no read secret, and no way to invite', async () => {
    const cleo = town.citizens.find(({ name }) => name === 'cleo')!
    const { code, stderr } = await drey(['--data', cleo.folder.path, 'invite'])
    assert.equal(code, 7, stderr)
    const read = await drey(['--data', cleo.folder.path, 'put', '-'], random.bytes(10))
    assert.equal(read.code, 7, read.stderr)
  })

  it('refuses an evicted member at once, after restarts, and where it was not heard of in time', async () => {
    const [, ben, cleo, dora] = town.citizens as [Citizen, Citizen, Citizen, Citizen]
    const mallory = await joinBy(ben, 'mallory', 'storage')
    await until(() => isLive(cleo, 'mallory'), 'everyone has met')
    await until(() => isLive(dora, 'mallory'), 'everyone has met')
    await town.kill(dora)
    await run(ben.folder, ['evict', 'mallory'])
    await until(
      async () => (await membersAt(mallory)).every(({ connected }) => !connected),
      'alone',
    )

    await town.restart(dora)
    await until(() => isLive(dora, 'cleo'), 'dora is back')
    for (const citizen of [ben, cleo]) {
      await town.kill(citizen)
      await town.restart(citizen)
    }
    await until(async () => (await isLive(ben, 'dora')) && (await isLive(ben, 'cleo')), 'together')
    for (const citizen of [ben, cleo, dora]) {
      const names = (await membersAt(citizen)).map(({ name }) => name)
      assert.ok(!names.includes('mallory'), `${citizen.name} knows ${names.join(', ')}`)
    }
    assert.ok((await membersAt(mallory)).every(({ connected }) => connected === null))
  })

  it('lets a member leave that has handed over what it held', async () => {
    const [, ben, cleo, dora] = town.citizens as [Citizen, Citizen, Citizen, Citizen]
    const bytes = random.bytes(2_000_000)
    const address = await text(ben.folder, ['put', '--code', '1+1', '-'], bytes)
    await run(cleo.folder, ['leave'])
    await until(async () => cleo.process.exitCode === 0, 'its process has ended')
    await town.kill(ben)
    assert.ok((await run(dora.folder, ['get', address])).equals(bytes))
  })
})
