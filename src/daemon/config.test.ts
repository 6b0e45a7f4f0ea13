import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { parseListen, readConfig, writeConfig, type Config } from './config.ts'
import { DataFolder } from './folder.ts'

const good: Config = {
  ...{ version: 1, name: 'oak', listen: '127.0.0.1:7117', peers: ['10.0.0.1:7117'] },
  ...{ capacity: 1e9, freeFloor: 0, code: '4+2', threads: 2 },
}

let folder: DataFolder
before(async () => (folder = new DataFolder(await mkdtemp(join(tmpdir(), 'drey-config-')))))
after(() => rm(folder.path, { recursive: true }))

const refusedFor = (reason: RegExp) =>
  assert.rejects(readConfig(folder), (error) => {
    return isDreyError(error, 'bad-input') && reason.test(error.message)
  })

describe('A node’s config', () => {
  it('that is not there is told with what to do', () => refusedFor(/drey init/))

  it('is read as it was written', async () => {
    await writeConfig(folder, good)
    assert.deepEqual(await readConfig(folder), good)
  })

  const wrong: Record<string, unknown[]> = {
    version: [0, 2, undefined],
    name: ['', 7, undefined],
    listen: ['here', 'a:99999', undefined],
    peers: ['a:1', [7], undefined],
    capacity: [-1, 0.5, '1GB', undefined],
    freeFloor: [-1, '1GB', undefined],
    threads: [-1, 17, 'two', undefined],
    code: ['4', '0+2', '4+2+1'],
    zone: [7, 'x'.repeat(65)],
    publicAddress: ['here', 'a:0'],
    relayBytesPerSecond: [0, -1, '4MiB'],
    heartbeatMs: [0, 'often'],
    awayMs: [-1],
    scrubDays: [0, -1, 1e9, 'a month'],
    without: ['lan', ['wlan']],
  }
  for (const [field, values] of Object.entries(wrong)) {
    it(`with a wrong "${field}" is refused, naming it`, async () => {
      for (const value of values) {
        await writeFile(folder.config, JSON.stringify({ ...good, [field]: value }))
        await refusedFor(new RegExp(`"${field}"`))
      }
    })
  }

  it('that is no JSON object is refused', async () => {
    for (const text of ['{', 'null', '7']) {
      await writeFile(folder.config, text)
      await refusedFor(/JSON/)
    }
  })
})

it('An address to listen at is a host and a port, or a port on every interface', () => {
  assert.deepEqual(parseListen('oak:1'), { host: 'oak', port: 1 })
  assert.deepEqual(parseListen('[::1]:7117'), { host: '::1', port: 7117 })
  assert.deepEqual(parseListen(':7117'), { host: '0.0.0.0', port: 7117 })
})
