import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { openHouse, type Answer, type House } from './fixture.ts'

const segment = 1 << 20
const film = seededRandom(4).bytes(2 * segment + 12_345) // Three segments.
const acorn = Buffer.from('an acorn\n')
const page = Buffer.from('<script>fetch("/api/status")</script>')
const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')

let house: House
let address: string
let folder: { address: string; key: string }
before(async () => {
  house = await openHouse()
  address = (await house.put(film)).address
  const inner = { 'page.html': page, 'no%ff utf': acorn, 'a%3fb &%3c%3e': acorn }
  folder = await house.putFolder({ 'acorn.txt': acorn, picture: png, film, inner })
  house.named.set('nest', folder.address)
})
after(() => house[Symbol.asyncDispose]())

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  house.ask(`/blob/${address}`, { headers, method })

/** The parts of a multipart/byteranges body, read as the RFC writes it. */
function partsOf({ headers, body }: Answer): { range: string; bytes: Buffer }[] {
  const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(headers['content-type']!)![1]!
  const pieces = body.toString('latin1').split(`\r\n--${boundary}`)
  assert.equal(pieces[0], '')
  assert.equal(pieces.at(-1), '--\r\n')
  return pieces.slice(1, -1).map((piece) => {
    const [head, ...rest] = piece.split('\r\n\r\n')
    const range = /content-range: (.*)/.exec(head!)![1]!
    return { range, bytes: Buffer.from(rest.join('\r\n\r\n'), 'latin1') }
  })
}

describe('A blob over HTTP', () => {
  it('is given whole, and may be kept for ever', async () => {
    const { status, headers, body } = await get()
    assert.equal(status, 200)
    assert.deepEqual(body, Buffer.from(film))
    assert.equal(headers['content-length'], String(film.length))
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.equal(headers.etag, `"${address}"`)
    assert.equal(headers['cache-control'], 'private, max-age=31536000, immutable')
  })

  it('is described without being read', async () => {
    const { status, headers, body } = await get({ range: 'bytes=0-9' }, 'HEAD')
    assert.equal(status, 200, 'ranges are of GET alone')
    assert.equal(headers['content-length'], String(film.length))
    assert.equal(body.length, 0)
  })

  const size = film.length
  const single: [range: string, start: number, end: number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=0-499', 0, 500],
    [`bytes=${segment - 1}-${segment}`, segment - 1, segment + 1],
    [`bytes=${segment}-`, segment, size],
    ['bytes=-1', size - 1, size],
    ['bytes=-12345', size - 12_345, size],
    [`bytes=-${size * 2}`, 0, size],
    [`bytes=${size - 1}-${size * 2}`, size - 1, size],
    ['bytes=5-10,11-20,8-9', 5, 21],
  ]
  for (const [range, start, end] of single) {
    it(`is given from byte ${start} to ${end} for "${range}"`, async () => {
      const { status, headers, body } = await get({ range })
      assert.equal(status, 206)
      assert.equal(headers['content-range'], `bytes ${start}-${end - 1}/${size}`)
      assert.equal(headers['content-length'], String(end - start))
      assert.ok(body.equals(film.subarray(start, end)))
    })
  }

  it('is given in several ranges at once, each with its place', async () => {
    const reply = await get({ range: `bytes=-10, 0-9 ,${segment - 5}-${segment + 4}` })
    assert.equal(reply.status, 206)
    assert.equal(reply.headers['content-length'], String(reply.body.length))
    const wanted = [
      [size - 10, size],
      [0, 10],
      [segment - 5, segment + 5],
    ] as const
    assert.deepEqual(
      partsOf(reply),
      wanted.map(([start, end]) => ({
        range: `bytes ${start}-${end - 1}/${size}`,
        bytes: Buffer.from(film.subarray(start, end)),
      })),
    )
  })

  it('has no range that begins behind its end, and says how long it is', async () => {
    for (const range of [`bytes=${size}-`, 'bytes=-0', `bytes=${'0-0,'.repeat(40)}`]) {
      const { status, headers } = await get({ range })
      assert.equal(status, 416)
      assert.equal(headers['content-range'], `bytes */${size}`)
    }
  })

  it('is given whole where a range cannot be understood', async () => {
    for (const range of ['lines=1-2', 'bytes=2-1', 'bytes=x-y', 'bytes=']) {
      assert.equal((await get({ range })).status, 200)
    }
  })

  it('is not given again to whoever has it', async () => {
    for (const have of [`"${address}"`, `W/"${address}"`, `"other", "${address}"`, '*']) {
      const { status, headers, body } = await get({ 'if-none-match': have, range: 'bytes=0-9' })
      assert.equal(status, 304)
      assert.equal(headers.etag, `"${address}"`)
      assert.equal(body.length, 0)
    }
    assert.equal((await get({ 'if-none-match': '"other"' })).status, 200)
    assert.equal((await get({ 'if-modified-since': new Date().toUTCString() })).status, 200)
  })

  it('is refused to whoever wants another one', async () => {
    for (const wanted of ['"other"', `W/"${address}"`, '']) {
      assert.equal((await get({ 'if-match': wanted })).status, 412)
    }
    for (const wanted of [`"${address}"`, `"other", "${address}"`, '*']) {
      assert.equal((await get({ 'if-match': wanted })).status, 200)
    }
  })

  it('is given in a range only to whoever has begun with the same one', async () => {
    const range = 'bytes=0-9'
    assert.equal((await get({ range, 'if-range': `"${address}"` })).status, 206)
    for (const other of ['"other"', `W/"${address}"`, new Date().toUTCString()]) {
      assert.equal((await get({ range, 'if-range': other })).status, 200)
    }
    // Whatever does not count is not unsatisfiable either.
    assert.equal((await get({ range: `bytes=${size}-`, 'if-range': '"other"' })).status, 200)
  })

  it('that is empty has no range, and is given whole for its last bytes', async () => {
    const empty = (await house.put(new Uint8Array())).address
    const ask = (range: string) => house.ask(`/blob/${empty}`, { headers: { range } })
    assert.equal((await ask('bytes=0-')).status, 416)
    assert.equal((await ask('bytes=-5')).status, 200)
    assert.equal((await house.ask(`/blob/${empty}`)).headers['content-length'], '0')
  })

  it('is not opened by the key of another: that would give other bytes', async () => {
    const other = await house.put(acorn)
    const { status, body } = await house.ask(`/blob/${address}?key=${other.key}`)
    assert.equal(status, 400)
    assert.match(body.toString(), /not that of this address/)
  })

  it('is told missing with a status, though its root is there', async () => {
    const lost = (await house.put(seededRandom(9).bytes(3 * segment))).address
    const { store } = house.neighbour
    store.onGet = (shard) => (shard.layout.size === segment ? undefined : shard)
    const { status } = await house.ask(`/blob/${lost}`)
    store.onGet = (shard) => shard
    assert.ok(status === 404 || status === 503, String(status))
  })
})

describe('What a blob is', () => {
  const typeOf = async (bytes: Uint8Array, query = '') => {
    const stored = await house.put(bytes)
    return (await house.ask(`/blob/${stored.address}${query}`)).headers['content-type']
  }

  it('is told by its first bytes, as text when they are UTF-8', async () => {
    assert.equal(await typeOf(png), 'image/png')
    assert.equal(await typeOf(acorn), 'text/plain; charset=utf-8')
    assert.equal(await typeOf(page), 'text/plain; charset=utf-8')
    assert.equal(await typeOf(Buffer.from([1, 2, 3, 0xff])), 'application/octet-stream')
    assert.equal(await typeOf(Buffer.from('ä'.repeat(5_000))), 'text/plain; charset=utf-8')
  })

  it('is told by whoever asks, if that is a type', async () => {
    assert.equal(await typeOf(acorn, '?type=text/markdown'), 'text/markdown')
    const { address } = await house.put(acorn)
    for (const type of ['html', 'a/b\r\nx: y', 'text/html; x=y', `a/${'b'.repeat(200)}`]) {
      const asked = await house.ask(`/blob/${address}?type=${encodeURIComponent(type)}`)
      assert.equal(asked.status, 400)
    }
  })

  it('gives it no rights of this door, whatever it is', async () => {
    const { headers } = await house.ask(`/blob/${folder.address}/inner/page.html`)
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.match(headers['content-security-policy']!, /^sandbox; default-src 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
  })

  it('leaves films and sound out of the sandbox, where Chromium would not play them', async () => {
    const { address } = await house.put(png)
    const { headers } = await house.ask(`/blob/${address}?type=video/mp4`)
    assert.match(headers['content-security-policy']!, /^default-src 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  })

  it('does not matter where it is to be saved, under any name', async () => {
    const stored = await house.put(acorn)
    const saved = async (name: string) => {
      const target = `/blob/${stored.address}?download=${encodeURIComponent(name)}`
      return (await house.ask(target)).headers['content-disposition']
    }
    assert.equal(
      await saved(`Äh "1/2"\r\n.txt`),
      `attachment; filename="_h _1_2___.txt"; filename*=UTF-8''%C3%84h%20%221_2%22__.txt`,
    )
    assert.match((await saved(''))!, new RegExp(`filename="${stored.address}"`))
  })
})

describe('A folder over HTTP', () => {
  it('is listed in JSON, with what opens each thing', async () => {
    const { headers, body } = await house.ask(`/blob/${folder.address}`)
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers.etag, `W/"${folder.address}.json"`)
    const listing = JSON.parse(body.toString()) as { address: string; entries: { name: string }[] }
    assert.equal(listing.address, folder.address)
    assert.deepEqual(
      listing.entries.map(({ name }) => name),
      ['acorn.txt', 'film', 'inner', 'picture'],
    )
  })

  it('is a page for people, whose links lead to what is in it', async () => {
    const { headers, body } = await house.ask(`/blob/${folder.address}/inner?key=${folder.key}`, {
      headers: { accept: 'text/html,*/*;q=0.8', authorization: '' },
    })
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    const hrefs = Array.from(body.toString().matchAll(/href="([^"]*)"/g), ([, href]) => href!)
    const [up, ...files] = hrefs
    assert.equal(up, `/blob/${folder.address}?key=${folder.key}`)
    assert.equal(files.length, 3)
    assert.doesNotMatch(body.toString(), /&<>/, 'names are escaped')
    for (const href of files) {
      const answer = await house.ask(href, { headers: { authorization: '' } })
      assert.equal(answer.status, 200, href)
    }
  })

  it('is its own listing for programs that ask for that', async () => {
    const headers = { accept: 'application/vnd.drey.folder', range: 'bytes=0-15' }
    const answer = await house.ask(`/blob/${folder.address}`, { headers })
    assert.equal(answer.status, 206)
    assert.equal(answer.body.subarray(1, 12).toString(), 'drey folder')
    assert.equal(answer.headers['content-type'], 'application/vnd.drey.folder')
  })

  it('gives what is in it by its path, as the file that it is', async () => {
    const { status, headers, body } = await house.ask(`/blob/${folder.address}/film`, {
      headers: { range: 'bytes=-100' },
    })
    assert.equal(status, 206)
    assert.ok(body.equals(film.subarray(-100)))
    assert.equal(headers.etag, `"${address}"`, 'the same file has the same address everywhere')
  })

  it('has nothing where nothing is, nor below a file', async () => {
    assert.equal((await house.ask(`/blob/${folder.address}/none`)).status, 404)
    assert.equal((await house.ask(`/blob/${folder.address}/acorn.txt/x`)).status, 400)
    assert.equal((await house.ask('/blob/acorn')).status, 400)
  })

  it('is found by its name, and asked for anew each time', async () => {
    const { status, headers, body } = await house.ask('/name/nest/acorn.txt')
    assert.equal(status, 200)
    assert.deepEqual(body, acorn)
    assert.equal(headers['cache-control'], 'private, no-cache')
    assert.equal((await house.ask('/name/nobody')).status, 404)
  })

  it('that somebody has is not listed again', async () => {
    const have = `W/"${folder.address}.json"`
    const answer = await house.ask('/name/nest', { headers: { 'if-none-match': have } })
    assert.equal(answer.status, 304)
  })
})
