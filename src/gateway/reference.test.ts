import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { jsonReply, type Door } from './door.ts'
import { parseReference, resolve, resolveBlob } from './reference.ts'

const address = 'bafyr4ick4omrx3uq3i3qwjtqxadbqubvmygozpuhupmn55h3zg5oynm6gy'
const key = 'bsKMEKY9Rfd9Y5nl4Kqczlfm5x2MbRUmPD8UcbnfDJE'
const link = `drey:${address}#${key}`
const { signal } = new AbortController()

/** A node at which "photos" is set, and nothing else is known. */
const door: Door = async ({ method, path }) => {
  assert.equal(`${method} ${path}`, 'GET /name/photos')
  return jsonReply({ name: 'photos', address, key })
}

function shown(text: string) {
  const reference = parseReference(text)
  if ('name' in reference) return reference
  const { key: bytes, ...rest } = reference
  const plain = { ...rest, address: formatAddress(reference.address) }
  return bytes ? { ...plain, key: Buffer.from(bytes).toString('base64url') } : plain
}

describe('What people write for a blob', () => {
  it('is an address, a link, or a name', () => {
    assert.deepEqual(shown(address), { address })
    assert.deepEqual(shown(link), { address, key })
    assert.deepEqual(shown('photos'), { name: 'photos' })
  })

  it('may have a path behind it', () => {
    assert.deepEqual(shown(`${address}/2026/x.jpg`), { address, path: '2026/x.jpg' })
    assert.deepEqual(shown(`${link}/2026/x.jpg`), { address, key, path: '2026/x.jpg' })
    assert.deepEqual(shown('photos/2026/a#b'), { name: 'photos', path: '2026/a#b' })
    assert.deepEqual(shown('photos/'), { name: 'photos' })
  })

  it('is not taken for a name when it is a mistyped address', () => {
    assert.throws(() => parseReference(address.slice(0, -1)), /not an address/)
    assert.throws(() => parseReference(`${link}x`), /key behind "#"/)
  })

  it('is refused when it is nothing, or no name', () => {
    for (const text of ['', '  ', '/x', '..', 'a\tb']) {
      assert.throws(() => parseReference(text), { code: 'bad-input' }, JSON.stringify(text))
    }
  })

  it('means what the node says that its name means', async () => {
    const resolved = await resolve(door, 'photos/2026', { signal })

    assert.equal(formatAddress(resolved.address), address)
    assert.equal(Buffer.from(resolved.key!).toString('base64url'), key)
    assert.deepEqual([resolved.name, resolved.path], ['photos', '2026'])
  })

  it('is not looked up when it is an address', async () => {
    assert.equal(formatAddress((await resolve(door, address, { signal })).address), address)
  })

  it('has no path where only whole blobs will do', async () => {
    await assert.rejects(resolveBlob(door, 'photos/2026', { signal }), { code: 'bad-input' })
    assert.equal((await resolveBlob(door, 'photos', { signal })).name, 'photos')
  })
})
