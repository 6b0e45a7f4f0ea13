import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { drey } from './drey.ts'

let town: Town
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-log-')), { log: 'own.log' })
})
after(() => town[Symbol.asyncDispose]())

async function ended(citizen: Citizen): Promise<void> {
  const gone = once(citizen.process, 'exit')
  citizen.process.kill('SIGTERM')
  assert.deepEqual(await gone, [0, null])
}

const messagesIn = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { message: string }).message)

it('A node logs into the file that its command or its config names, from its start to its end', async () => {
  const path = join(town.folder, 'chosen.log')
  const citizen = await town.add('reader', ['--log', path, '--log-level', 'info'])
  await ended(citizen)
  const messages = await messagesIn(path)
  assert.deepEqual([messages[0], messages.at(-1)], ['the node has started', 'the node is closing'])

  await town.restart(citizen, ['--log-level', 'info'])
  await ended(citizen)
  assert.ok(
    (await messagesIn(join(citizen.folder.path, 'own.log'))).includes('the node is closing'),
  )
})

it('A node whose log cannot be written does not start, and says which file it is', async () => {
  const { folder } = town.citizens[0]!
  const path = join(town.folder, 'nowhere', 'x.log')
  const { code, stderr } = await drey(['--data', folder.path, 'start', '--no-http', '--log', path])
  assert.equal(code, 10)
  assert.match(stderr, /nowhere/)
})
