import assert from 'node:assert/strict'
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Town, warmUp } from '../../src/cli/town.ts'
import type { Diagnosis, DoctorReply } from '../../src/gateway/doctor.ts'
import { drey } from './drey.ts'

const { signal } = new AbortController()
let town: Town
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-doctor-')))
  for (const role of ['reader', 'storage', 'storage'] as const) await town.add(role)
  await town.gathered(signal)
})
after(() => town[Symbol.asyncDispose]())

/** What `drey doctor` finds at one of the nodes, by what it looked at, and how it ends. */
async function doctor(at: number): Promise<{ code: number; found: Map<string, Diagnosis> }> {
  const { folder } = town.citizens[at]!
  const { code, stdout } = await drey(['--data', folder.path, '--json', 'doctor'])
  const [first] = stdout.toString().split('\n')
  const { diagnoses } = JSON.parse(first!) as DoctorReply
  return { code: code!, found: new Map(diagnoses.map((each) => [each.what, each])) }
}

describe('drey doctor', () => {
  it('finds a running node well: members dial it back, clocks agree, keys are its own', async () => {
    const { code, found } = await doctor(1)
    const machines = ['disk', 'free space', 'DHT'] // Theirs, or heard of a moment later.
    const wrong = [...found.values()].filter(({ state }) => state !== 'ok')
    assert.deepEqual(
      wrong.filter(({ what }) => !machines.includes(what)),
      [],
    )
    assert.equal(code, 0)
    assert.match(found.get('members')!.seen, /^2 of 2 others here$/)
    assert.match(found.get('port')!.seen, /^node-\d could dial it at 127\.0\.0\.1:\d+$/)
    assert.match(found.get('clock')!.seen, /^it agrees with 2 others/)
    assert.match(found.get('node')!.seen, /runs as process \d+/)
  })

  it('says in words what to do, and fails with a code when something is bad', async () => {
    const { folder } = town.citizens[0]!
    await chmod(folder.path, 0o755)
    await chmod(folder.readKey, 0o644)
    const { code, stdout, stderr } = await drey(['--data', folder.path, 'doctor'])
    await chmod(folder.path, 0o700)
    await chmod(folder.readKey, 0o600)
    assert.equal(code, 7, stderr)
    assert.match(stdout.toString(), /^BAD {3}data folder .*read\.key\n +→ chmod 700 /m)
    assert.match(stderr, /not as it should be: data folder/)
  })

  it('says of a member that is missing why it cannot be reached', async () => {
    await town.kill(town.citizens[2]!)
    for (;;) {
      const { code, found } = await doctor(0)
      const { state, seen } = found.get('members')!
      if (state === 'ok') continue // Its connection is not known to be lost yet.
      assert.equal(state, 'warn')
      assert.match(seen, /^1 of 2 others here: node-3 cannot be reached: .*ECONNREFUSED/)
      assert.equal(code, 0)
      break
    }
    await town.kill(town.citizens[1]!)
    for (;;) {
      const { code, found } = await doctor(0)
      if (found.get('members')!.state === 'warn') continue
      assert.equal(found.get('members')!.state, 'bad')
      assert.equal(code, 8)
      break
    }
  })

  it('looks at a node that does not run, and at a folder that does not open', async () => {
    const stopped = await doctor(2)
    assert.match(stopped.found.get('node')!.seen, /it does not run, and nobody can fetch/)
    assert.ok(!stopped.found.has('port'), 'who listens nowhere is not dialed')
    await writeFile(town.citizens[2]!.folder.certificate, 'moths')
    const { code, found } = await doctor(2)
    assert.match(found.get('node')!.seen, /not a certificate/)
    assert.equal(found.get('certificate')!.state, 'bad')
    assert.equal(found.get('disk')!.state, 'ok')
    assert.equal(code, 2)
  })

  it('has nothing to look at where there is no node', async () => {
    const { code, stderr } = await drey(['--data', join(tmpdir(), 'drey-nowhere'), 'doctor'])
    assert.equal(code, 2)
    assert.match(stderr, /there is no node in .*drey init/)
  })
})
