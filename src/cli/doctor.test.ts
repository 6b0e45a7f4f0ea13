import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkFolder, type Finding } from '../daemon/checkup.ts'
import { DataFolder } from '../daemon/folder.ts'
import { foundSwarm } from '../daemon/init.ts'
import type { MemberView } from '../gateway/members.ts'
import { checkBlocks, checkMembers } from './doctor.ts'

const dayMs = 86_400_000
let folder: DataFolder
before(async () => {
  folder = new DataFolder(join(await mkdtemp(join(tmpdir(), 'drey-doctor-')), 'node'))
  await foundSwarm(folder, { name: 'attic', listen: 'none' })
})
after(() => rm(join(folder.path, '..'), { recursive: true }))

const statesOf = (found: readonly Finding[]) =>
  Object.fromEntries(found.map(({ what, state }) => [what, state]))

describe('A doctor', () => {
  it('finds nothing bad in a new data folder', async () => {
    const found = statesOf(await checkFolder(folder, Date.now()))
    assert.deepEqual([found.secrets, found.config, found.certificate], ['ok', 'ok', 'ok'])
    assert.ok(found.disk === 'ok' || found.disk === 'warning')
  })

  it('sees that a certificate has expired, soon will, or is not valid yet, and says what to do', async () => {
    for (const [days, state] of [
      [-3, 'bad'],
      [355, 'warning'],
      [800, 'bad'],
    ] as const) {
      const found = await checkFolder(folder, Date.now() + days * dayMs)
      const certificate = found.find(({ what }) => what === 'certificate')!
      assert.equal(certificate.state, state, `${days}: ${certificate.seen}`)
      assert.ok(certificate.advice)
    }
  })

  it('sees that others can read a secret, and that the config is broken', async () => {
    await chmod(folder.readKey, 0o644)
    await writeFile(folder.config, '{')
    const found = await checkFolder(folder, Date.now())
    const { secrets, config } = statesOf(found)
    assert.deepEqual([secrets, config], ['bad', 'bad'])
    assert.match(found[0]!.advice!, /^chmod go= .*read\.key$/)
  })

  it('names the members that are not here, and counts lost blocks', () => {
    const member = (name: string, state: MemberView['state']) => ({ name, state }) as MemberView
    const some = [member('attic', 'this'), member('barn', 'live'), member('cellar', 'away')]
    assert.match(checkMembers(some).advice!, /start cellar;/)
    assert.equal(checkMembers(some.slice(0, 2)).state, 'ok')
    assert.equal(checkMembers(some.slice(0, 1)).state, 'warning')
    const census = { blocks: 9, below: 1, lost: 0 }
    assert.equal(checkBlocks({ ...census, lost: 2 }).state, 'bad')
    assert.equal(checkBlocks(census).state, 'warning')
  })
})
