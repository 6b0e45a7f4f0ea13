import assert from 'node:assert/strict'
import { access, constants, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Town, warmUp } from '../../src/cli/town.ts'
import { readKeyFile } from '../../src/crypto/keyfile.ts'
import { readKeysOf } from '../../src/crypto/keys.ts'
import { drey } from './drey.ts'
import { findInFolder, findInMemory, type Marker } from './memory.ts'

const { signal } = new AbortController()
const marker = 'a sentence that nobody else would write, 7c1f29'

let town: Town
let markers: Marker[]
let whyNoMemory: string | undefined
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-secrets-')))
  for (const role of ['reader', 'storage', 'storage'] as const) await town.add(role)
  await town.gathered(signal)
  const secret = Buffer.from(await readKeyFile(town.citizens[0]!.folder.readKey))
  const { segment, wrap } = readKeysOf(secret)
  markers = [
    { name: 'the read secret', bytes: secret },
    { name: 'the read secret as hexadecimal', bytes: Buffer.from(secret.toString('hex')) },
    {
      name: 'the read secret as base64',
      bytes: Buffer.from(secret.toString('base64').slice(0, 40)),
    },
    { name: 'the segments’ secret', bytes: Buffer.from(segment) },
    { name: 'the roots’ secret', bytes: Buffer.from(wrap) },
    { name: 'plaintext', bytes: Buffer.from(marker) },
  ]
  const pid = town.citizens[1]!.process.pid!
  whyNoMemory = await access(`/proc/${pid}/mem`, constants.R_OK).then(
    () => undefined,
    () => 'the memory of other processes cannot be read here',
  )
  const plaintext = Buffer.from(`${marker}\n`.repeat(60_000))
  for (const bytes of [plaintext, plaintext.subarray(0, 30_000)]) {
    const { code, stderr } = await drey(
      ['--data', town.citizens[0]!.folder.path, 'put', '-'],
      bytes,
    )
    assert.equal(code, 0, stderr)
  }
})
after(() => town[Symbol.asyncDispose]())

describe('A storage member', () => {
  it('has neither the read secret nor plaintext in its data folder', async () => {
    for (const { folder } of town.citizens.slice(1)) {
      assert.deepEqual(await findInFolder(folder.path, markers), [])
    }
  })

  it('has neither in its memory', async (t) => {
    if (whyNoMemory !== undefined) return t.skip(whyNoMemory)
    for (const { process } of town.citizens.slice(1)) {
      assert.deepEqual([...(await findInMemory(process.pid!, markers))], [])
    }
  })

  it('is searched in a way that finds what a reader has', async (t) => {
    if (whyNoMemory !== undefined) return t.skip(whyNoMemory)
    const found = await findInMemory(town.citizens[0]!.process.pid!, markers)
    assert.ok(found.has('the segments’ secret') && found.has('the roots’ secret'))
    assert.ok(found.has('plaintext'), 'what was put has just passed')
  })
})
