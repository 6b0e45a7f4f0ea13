import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/base/random.ts'
import type { Citizen, Town } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { openTown } from './fire.ts'
import { until } from './networkTown.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const film = seededRandom(53).bytes(40_000_000)
const patienceMs = 30_000

describe('A get that breaks off', () => {
  let town: Town
  let ann: Citizen
  let address = ''
  let out = ''
  before(async () => {
    town = await openTown(3, 'resume')
    ann = town.citizens[0]!
    out = join(town.folder, 'film')
    const put = await drey(['--data', ann.folder.path, 'put', '-'], film)
    address = put.stdout.toString().trim()
  })
  after(() => town[Symbol.asyncDispose]())

  const get = () => drey(['--data', ann.folder.path, 'get', address, '-o', out])
  const parts = async () => (await readdir(town.folder)).filter((name) => name.endsWith('.part'))

  /** Ends a get by a signal when so many bytes are there. */
  async function interrupted(signal: NodeJS.Signals, bytes: number): Promise<number | null> {
    const args = ['--data', ann.folder.path, 'get', address, '-o', out]
    const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' })
    const ended = once(child, 'close')
    const isThere = async () => {
      const [name] = await parts()
      const info = name && (await stat(join(town.folder, name)).catch(() => undefined))
      return child.exitCode !== null || (info ? info.size : 0) >= bytes
    }
    while (!(await isThere()));
    child.kill(signal)
    return ((await ended) as [number | null])[0]
  }

  it('goes on with what came when it is killed, and fetches only the rest', async () => {
    await interrupted('SIGKILL', 10_000_000)
    assert.equal((await parts()).length, 1)
    const { code, stderr } = await get()
    assert.equal(code, 0, stderr)
    assert.match(stderr, /going on behind [1-9][\d.]* MiB that came before/)
    assert.ok((await readFile(out)).equals(film))
    assert.deepEqual(await parts(), [])
  })

  it('says after Ctrl-C where what came is, and goes on with it', async () => {
    await rm(out)
    assert.equal(await interrupted('SIGINT', 10_000_000), 130)
    const { code, stderr } = await get()
    assert.equal(code, 0, stderr)
    assert.match(stderr, /going on behind/)
    assert.ok((await readFile(out)).equals(film))
  })

  it('uses nothing of what is wrong in what came', async () => {
    await rm(out)
    await interrupted('SIGKILL', 10_000_000)
    const [name] = await parts()
    const file = await open(join(town.folder, name!), 'r+')
    await file.write(Buffer.from([film[3_000_000]! ^ 1]), 0, 1, 3_000_000)
    await file.close()
    const { stderr } = await get()
    assert.match(stderr, /going on behind 2\.00 MiB/)
    assert.ok((await readFile(out)).equals(film))
  })

  it('leaves alone what another get is writing', async () => {
    await rm(out)
    const other = `${out}.${address.slice(-8)}.${process.pid}.part` // Of a process that runs: this one.
    await writeFile(other, film.subarray(0, 2 << 20))
    const { stderr } = await get()
    assert.doesNotMatch(stderr, /going on/)
    assert.ok((await readFile(out)).equals(film))
    assert.equal((await stat(other)).size, 2 << 20)
    await rm(other)
  })

  it('is a whole file at once when all had come', async () => {
    await rm(out)
    const child = spawn(process.execPath, ['-e', '']) // A process that is over.
    await once(child, 'close')
    await writeFile(`${out}.${address.slice(-8)}.${child.pid}.part`, film)
    const { code, stderr } = await get()
    assert.equal(code, 0, stderr)
    assert.ok((await readFile(out)).equals(film))
    await until(async () => (await parts()).length === 0, patienceMs, 'nothing is left')
  })
})
