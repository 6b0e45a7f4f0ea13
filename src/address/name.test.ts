import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { looksLikeAddress, parseName } from './name.ts'

const address = 'bafyr4ick4omrx3uq3i3qwjtqxadbqubvmygozpuhupmn55h3zg5oynm6gy'
const refused = { code: 'bad-input' }

describe('A name', () => {
  it('is what a person calls something', () => {
    for (const name of ['photos', 'a', 'Фото 2026', 'b', 'bees', '#1?', 'x'.repeat(255)]) {
      assert.equal(parseName(name), name)
    }
  })

  it('has between 1 and 255 bytes', () => {
    assert.throws(() => parseName(''), refused)
    assert.throws(() => parseName('x'.repeat(256)), refused)
    assert.throws(() => parseName('ä'.repeat(128)), refused)
  })

  it('has no slash, no control character, and no space around it', () => {
    for (const name of ['a/b', '/', 'a\nb', '\u0000', 'a\u007f', ' a', 'a ', '.', '..']) {
      assert.throws(() => parseName(name), refused, JSON.stringify(name))
    }
  })

  it('never looks like an address or a link, nor like a mistyped one', () => {
    const cids = ['QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', address.toUpperCase()]
    for (const name of [address, address.slice(0, -1), 'drey:x', 'DREY:x', ...cids]) {
      assert.throws(() => parseName(name), refused, name)
      assert.equal(looksLikeAddress(name), true, name)
    }
  })

  it('is the same however its accents were typed', () => {
    assert.equal(parseName('e\u0301te\u0301'), parseName('été'))
  })

  it('is Unicode', () => {
    assert.throws(() => parseName('\ud800'), refused)
  })
})
