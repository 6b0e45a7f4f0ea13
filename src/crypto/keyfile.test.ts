import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { readKeyFile, removeUnfinished, writeKeyFile, writePrivately } from './keyfile.ts'

const secret = seededRandom(5).bytes(32)
const passphrase = 'a walnut under the third oak'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drey-keyfile-'))
  path = join(folder, 'read.key')
})
afterEach(() => rm(folder, { recursive: true }))

/** Replaces the key in the file by what `change` makes of its bytes. */
async function damage(field: 'plain' | 'sealed', change: (bytes: Buffer) => Uint8Array) {
  const body = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  const bytes = change(Buffer.from(body[field] as string, 'base64'))
  await writeFile(path, JSON.stringify({ ...body, [field]: Buffer.from(bytes).toString('base64') }))
}

describe('A key file', () => {
  it('gives back the secret that was written, of any length', async () => {
    for (const size of [1, 32, 119]) {
      const other = seededRandom(size).bytes(size)
      await writeKeyFile(path, other)
      assert.deepEqual(await readKeyFile(path), other)
    }
  })

  it('is for its user alone, and nothing else is left beside it', async () => {
    await writeKeyFile(path, secret)

    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['read.key'])
  })

  it('is read without a passphrase although one was given for other files', async () => {
    await writeKeyFile(path, secret)
    assert.deepEqual(await readKeyFile(path, passphrase), secret)
  })

  it('is refused when any bit of its secret has flipped: it would be another secret', async () => {
    for (let at = 0; at < 48; at++) {
      await writeKeyFile(path, secret)
      await damage('plain', (bytes) => bytes.fill(bytes[at]! ^ (1 << (at % 8)), at, at + 1))
      await assert.rejects(readKeyFile(path), { code: 'bad-input', message: /damaged/ })
    }
  })

  it('is refused cut off anywhere', async () => {
    await writeKeyFile(path, secret)
    const whole = await readFile(path, 'utf8')
    for (let end = 0; end < whole.trimEnd().length; end++) {
      await writeFile(path, whole.slice(0, end))
      await assert.rejects(readKeyFile(path), { code: 'bad-input' })
    }
  })

  it('is not taken for one when it is another file', async () => {
    const others = {
      'it is not JSON': ['', '-----BEGIN PRIVATE KEY-----', '{"drey":"key",'],
      'it does not say so': ['null', '7', '[]', '{}', '{"drey":"config","version":1}'],
      'there is no key in it': [
        '{"drey":"key","version":1}',
        '{"drey":"key","version":1,"plain":7}',
        '{"drey":"key","version":1,"plain":null,"sealed":""}',
      ],
      'its key is damaged': [
        '{"drey":"key","version":1,"plain":""}',
        '{"drey":"key","version":1,"plain":"not base64!"}',
        '{"drey":"key","version":1,"sealed":"AAAA"}',
      ],
    }
    for (const [why, texts] of Object.entries(others)) {
      for (const text of texts) {
        await writeFile(path, text)
        const refused = readKeyFile(path, passphrase)
        await assert.rejects(refused, { code: 'bad-input', message: new RegExp(why) }, text)
      }
    }
  })

  it('is refused, with its version, when a newer Drey wrote it', async () => {
    await writeFile(path, '{"drey":"key","version":2,"plain":"AAAA"}')
    await assert.rejects(readKeyFile(path), { code: 'bad-input', message: /version is 2/ })
  })

  it('that is not there fails as the system says it', async () => {
    await assert.rejects(readKeyFile(path), { code: 'ENOENT' })
  })
})

describe('A sealed key file', () => {
  it('opens with its passphrase, however that was typed, and with no other', async () => {
    await writeKeyFile(path, secret, 'caf\u00e9 au lait')

    assert.deepEqual(await readKeyFile(path, 'cafe\u0301 au lait'), secret)
    await assert.rejects(readKeyFile(path, 'cafe au lait'), { code: 'bad-passphrase' })
    await assert.rejects(readKeyFile(path), { code: 'bad-passphrase', message: /DREY_PASSPHRASE/ })
  })

  it('does not show the secret, and is for its user alone', async () => {
    await writeKeyFile(path, secret, passphrase)
    const { sealed } = JSON.parse(await readFile(path, 'utf8')) as { sealed: string }

    assert.equal(Buffer.from(sealed, 'base64').indexOf(Buffer.from(secret)), -1)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('does not open when it is damaged: salt, nonce, tag or secret', async () => {
    for (const at of [0, 16, 28, 44]) {
      await writeKeyFile(path, secret, passphrase)
      await damage('sealed', (bytes) => bytes.fill(bytes[at]! ^ 1, at, at + 1))
      await assert.rejects(readKeyFile(path, passphrase), { code: 'bad-passphrase' }, `at ${at}`)
    }
  })
})

describe('A private file', () => {
  it('is never half there: when it cannot be put in place, nothing has changed', async () => {
    await mkdir(path)
    await assert.rejects(writePrivately(path, 'text'))

    assert.deepEqual(await readdir(folder), ['read.key'])
    assert.deepEqual(await readdir(path), [])
  })

  it('replaces the one before as a whole, and makes it private again', async () => {
    await writeFile(path, 'a longer text of before', { mode: 0o644 })
    await writePrivately(path, 'new')

    assert.equal(await readFile(path, 'utf8'), 'new')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('leaves nothing for ever of a write that was cut off, and all else is left alone', async () => {
    const others = ['notes.tmp', 'read.key', 'read.key.0123456789ab.tmp.old']
    for (const file of [...others, 'read.key.0123456789ab.tmp', 'members.list.ffffffffffff.tmp']) {
      await writeFile(join(folder, file), 'half a te')
    }
    await removeUnfinished(folder)

    assert.deepEqual((await readdir(folder)).sort(), others)
  })

  it('is one of those that were written at once, whole', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000))
    await Promise.all(texts.map((text) => writePrivately(path, text)))

    assert.ok(texts.includes(await readFile(path, 'utf8')))
    assert.deepEqual(await readdir(folder), ['read.key'])
  })
})
