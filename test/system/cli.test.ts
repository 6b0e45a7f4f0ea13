import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { addressOf, formatAddress } from '../../src/address/address.ts'
import { drey } from './drey.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const nowhere = formatAddress(addressOf('dag-cbor', 'blake3', Buffer.from('nobody has this')))

let home: string
let data: string[]
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'drey-cli-'))
  data = ['--data', join(home, 'node')]
  const { code, stderr } = await drey([...data, 'init', '--listen', '127.0.0.1:0'])
  assert.equal(code, 0, stderr)
})
after(() => rm(home, { recursive: true }))

describe('The command line', () => {
  it('has help with an example for every command', async () => {
    for (const command of ['init', 'start', 'put', 'get', 'status', 'scrub', 'demo', 'bench']) {
      const { code, stdout } = await drey([command, '--help'])
      assert.equal(code, 0)
      assert.match(stdout.toString(), new RegExp(`Example:\\n  drey ${command}`))
    }
  })

  it('ends with 2 for what cannot be understood, and says what to do', async () => {
    const wrong: [args: string[], reason: RegExp][] = [
      [['fetch'], /unknown command/],
      [['get', 'bafyxyz'], /address/],
      [['get', nowhere, '--range', '5'], /write 0-99/],
      [['put', '-', '--code', 'four'], /code/],
      [['put', join(home, 'missing')], /cannot read/],
      [['start', '--threads', 'x'], /--threads/],
    ]
    for (const [args, reason] of wrong) {
      const { code, stderr } = await drey([...data, ...args])
      assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
      assert.match(stderr, reason)
    }
  })

  it('leaves no file behind when a get fails', async () => {
    const { code, stderr } = await drey([...data, 'get', nowhere, '-o', join(home, 'file')])
    assert.equal(code, 3, stderr)
    assert.deepEqual(await readdir(home), ['node'])
  })

  it('prints one JSON object with --json, whether it worked or not', async () => {
    const put = await drey([...data, '--json', 'put', '-'], Buffer.from('acorn'))
    const { address } = JSON.parse(put.stdout.toString()) as { address: string }
    const output = join(home, 'back')
    for (const args of [
      ['get', address, '-o', output],
      ['get', nowhere, '-o', output],
      ['status'],
    ]) {
      const { stdout } = await drey([...data, '--json', ...args])
      assert.equal(typeof JSON.parse(stdout.toString()), 'object')
    }
    await rm(output)
  })

  it('ends a put with 130 on Ctrl-C, though stdin stays open', async () => {
    const child = spawn(process.execPath, [main, ...data, 'put', '-'], { stdio: 'pipe' })
    const ended = once(child, 'exit')
    await once(child.stderr, 'data') // It says that it opens the node.
    child.stdin.write('acorn')
    child.kill('SIGINT')
    assert.deepEqual(await ended, [130, null])
  })

  it('says that stdout was closed, and does not crash', async () => {
    const put = await drey([...data, 'put', '-'], Buffer.alloc(4 * 2 ** 20, 'acorn'))
    const address = put.stdout.toString().trim()
    const child = spawn(process.execPath, [main, ...data, 'get', address], { stdio: 'pipe' })
    child.stdout.destroy()
    const said = buffer(child.stderr)
    assert.deepEqual(await once(child, 'exit'), [8, null])
    assert.match((await said).toString(), /drey: cannot write to stdout/)
  })
})
