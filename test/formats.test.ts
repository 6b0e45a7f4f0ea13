import assert from 'node:assert/strict'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { globSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { addressOf, formatAddress } from '../src/address/address.ts'
import { blake3 } from '../src/address/blake3.ts'
import { formatLink } from '../src/address/link.ts'
import { concat, fromHex, toHex } from '../src/base/bytes.ts'
import { shardBytesOf } from '../src/coding/code.ts'
import { encodeLayout, layoutId, type Layout } from '../src/coding/layout.ts'
import { codingMatrix, product } from '../src/coding/matrix.ts'
import { readKeyFile, writeKeyFile } from '../src/crypto/keyfile.ts'
import { cipherAt, cryptInPlace } from '../src/crypto/ctr.ts'
import { contentKey, readKeysOf, wrapKey } from '../src/crypto/keys.ts'
import { encodePresence, lanName, tagOfKey } from '../src/discovery/lanWords.ts'
import { leaseIdOf } from '../src/lease/lease.ts'
import { encodeInline, wrapOf } from '../src/manifest/node.ts'
import { placementOrder } from '../src/node/placement.ts'
import { encodeEviction } from '../src/discovery/eviction.ts'
import { encodeExchange, type Exchange } from '../src/discovery/exchange.ts'
import { encodeSaying, type Saying } from '../src/discovery/record.ts'
import * as messages from '../src/node/protocol.ts'
import { encodeHead } from '../src/store/shardFile.ts'
import { formatShardName, subfolderOf } from '../src/store/shardName.ts'
import { createAuthority, issue } from '../src/transport/authority.ts'
import * as frame from '../src/transport/frame.ts'
import { encodeCall, encodeWish } from '../src/transport/relayWords.ts'
import { peerIdOf } from '../src/transport/identity.ts'
import type { Header } from '../src/transport/transporter.ts'
import { joinBytes, joinTexts } from './joinFormats.ts'
import { treeBytes } from './treeFormats.ts'
import manifestVectors from './vectors/manifest.json' with { type: 'json' }

const root = new URL('..', import.meta.url)
const [, twoSegments, twoLevels] = manifestVectors.trees as { nodes: { block?: string }[] }[]
const page = readFileSync(new URL('docs/formats.md', root), 'utf8')

/** The bytes of a block on the page marked `hex <name>`; what stands behind # is for people. */
function hexShown(name: string): Uint8Array {
  return fromHex(shown('hex', name).replaceAll(/#.*$/gm, ''))
}

function shown(kind: 'hex' | 'text', name: string): string {
  const found = blocks.filter((block) => block.kind === kind && block.name === name)
  assert.equal(found.length, 1, `one block on the page is marked: ${kind} ${name}`)
  return found[0]!.body
}

const blocks = Array.from(
  page.matchAll(/^```(hex|text) ([\w-]+)\n([^]*?)^```$/gm),
  ([, kind, name, body]) => ({ kind: kind!, name: name!, body: body! }),
)

// The page tells one story: a text is sealed under a known read secret, addressed, put into a manifest,
// coded, and kept. Every step begins with what the step before has made.
const readSecret = Uint8Array.from({ length: 32 }, (_, index) => index)
const text = new TextEncoder().encode("A drey is a squirrel's nest.")
const keys = readKeysOf(readSecret)
const key = contentKey(keys.segment, text)
const block = text.slice()
cryptInPlace(key, 0, block)
const address = addressOf('raw', 'blake3', block)

const inline = encodeInline(keys, text)
const link = { address: addressOf('dag-cbor', 'blake3', inline.block), key: inline.key }

/** The block, filled up with zeros, in three shards; and two of parity. */
function codedBlock(): Uint8Array[] {
  const shardBytes = shardBytesOf({ k: 3, n: 5 }, block.length)
  const cells = concat([block, new Uint8Array(3 * shardBytes - block.length)])
  const all = product(codingMatrix(3, 5), { rows: 3, columns: shardBytes, cells })
  return [0, 1, 2, 3, 4].map((i) => all.cells.slice(i * shardBytes, (i + 1) * shardBytes))
}
const shards = codedBlock()
const layout: Layout = {
  ...{ block: address, size: block.length, k: 3, n: 5 },
  shards: shards.map((shard) => blake3.hash(shard)),
}

const spki = fromHex(`302a300506032b6570032100
                      d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a`)
const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
const member = peerIdOf(publicKey)

const someone = 'abcdefghijklmnopqrstuvwxyz234567'
const at = 1_700_000_000_000
const exchange: Exchange = { digest: [[someone, at]], sum: '', records: [new Uint8Array([1, 2])] }
const saying: Saying = {
  ...{ name: 'attic', zone: 'home', addresses: ['10.0.0.7:7117'], relays: [someone] },
  ...{ offersRelay: false, capacity: 2 ** 40, free: 2 ** 39, stage: 'here', at },
}
const fetched = { layout, index: 2, also: [4] }

const pass = Uint8Array.from({ length: 16 }, (_, index) => index)
const lease = { id: leaseIdOf(pass), owner: member, made: at }
const log = '00000000-0000-4000-8000-000000000001'

function asFrame(name: 'request' | 'response', header: Header, size?: number): Uint8Array {
  return frame.encodeFrame(name, 1, frame.encodeHeader(header, size))
}

/** What each block of bytes on the page has to be. */
const bytes: Record<string, () => Uint8Array> = {
  'address-raw': () => address.bytes,
  'address-node': () => link.address.bytes,
  'address-sha2-256': () => addressOf('raw', 'sha2-256', block).bytes,
  'address-sha1': () => addressOf('raw', 'sha1', block).bytes,
  'read-secret': () => readSecret,
  'derived-keys': () =>
    concat([
      ...[keys.segment, keys.manifest, keys.wrap, keys.wrapCheck],
      ...[keys.nameId, keys.nameValue],
    ]),
  'wrapped-key': () => wrapKey(keys, key),
  plaintext: () => text,
  'content-key': () => key,
  'key-stream': () => new Uint8Array(cipherAt(key, 0).update(new Uint8Array(text.length))),
  'sealed-segment': () => block,
  'manifest-inline': () => inline.block,
  'manifest-root': () => fromHex(twoSegments!.nodes[0]!.block!),
  'manifest-inner': () => fromHex(twoLevels!.nodes[1]!.block!),
  'coding-matrix': () => codingMatrix(3, 5).cells,
  shards: () => concat(shards),
  layout: () => encodeLayout(layout),
  'layout-id': () => fromHex(layoutId(layout)),
  'placement-hashed': () => concat([address.bytes, Buffer.from(member)]),
  'placement-digest': () => blake3.hash(concat([address.bytes, Buffer.from(member)])),
  'shard-file': () => concat([encodeHead(layout, 2), shards[2]!]),
  'frame-hello': () =>
    frame.encodeFrame(
      'hello',
      0,
      frame.encodeHello({
        ...{ version: 1, requestWindow: 2 ** 21, responseWindow: 2 ** 22 },
        ...{ payloadMax: 2 ** 22, requests: 128 },
      }),
    ),
  'frame-request': () => asFrame('request', messages.encodeKeep(layout, 2, []), shards[2]!.length),
  'frame-request-payload': () => frame.encodeFrame('requestPayload', 1, shards[2]),
  'frame-response': () => asFrame('response', { isNew: true }),
  'frame-response-payload': () => frame.encodeFrame('responsePayload', 2, shards[2]),
  'frame-error': () => frame.encodeFrame('error', 1, frame.encodeError('full', 'no room')),
  'frame-cancel': () => frame.encodeFrame('cancel', 1),
  'frame-credit': () =>
    frame.encodeFrame('credit', 0, frame.encodeCredit({ request: 2 ** 18, response: 2 ** 16 })),
  'frame-ping': () => frame.encodeFrame('ping', 9),
  'frame-pong': () => frame.encodeFrame('pong', 9),
  'frame-bye': () => frame.encodeFrame('bye', 0, frame.encodeBye('stopping')),
  'message-compare': () => frame.encodeHeader({ op: 'compare' }, encodeExchange(exchange).length),
  exchange: () => encodeExchange(exchange),
  'member-record': () => encodeSaying(saying),
  eviction: () => encodeEviction({ subject: someone, spared: [], at }),
  'message-have': () => frame.encodeHeader(messages.encodeHave(address), undefined),
  'message-have-answer': () =>
    frame.encodeHeader(messages.encodeHeld([{ layout: layoutId(layout), index: 2 }]), undefined),
  'lease-id': () => fromHex(lease.id),
  'message-have-leased': () => frame.encodeHeader(messages.encodeHave(address, [lease]), undefined),
  'message-end': () => frame.encodeHeader(messages.encodeEnd([pass]), undefined),
  'message-ends': () => frame.encodeHeader(messages.encodeEndsFrom({ log, place: 3 }), undefined),
  'message-ends-answer': () =>
    frame.encodeHeader(messages.encodeEnds({ log, place: 4 }, [pass]), undefined),
  'message-fetch': () =>
    frame.encodeHeader(
      messages.encodeFetch(address, { layout: layoutId(layout), without: [0, 1] }),
      undefined,
    ),
  'message-fetch-answer': () =>
    frame.encodeHeader(messages.encodeAnswer({ fetched, rotted: [] }), shards[2]!.length),
  'message-fetch-nothing': () =>
    frame.encodeHeader(messages.encodeAnswer({ rotted: [2] }), undefined),
  'relay-wish-to': () => asFrame('request', encodeWish({ to: member })),
  'message-relay': () => frame.encodeHeader(encodeCall(member, pass), undefined),
  'relay-wish-pass': () => asFrame('request', encodeWish({ pass })),
  'relay-answer': () => asFrame('response', {}),
  'public-key': () => spki,
  ...joinBytes,
  ...(await treeBytes(link, keys)),
}

/** What each block of text on the page has to be. */
const texts: Record<string, () => string | Promise<string>> = {
  'address-texts': () =>
    [
      address,
      link.address,
      ...(['sha2-256', 'sha1'] as const).map((h) => addressOf('raw', h, block)),
    ]
      .map(formatAddress)
      .join('\n'),
  link: () => formatLink(link),
  'shard-file-name': () =>
    `shards/${subfolderOf(formatAddress(address))}/` +
    formatShardName({ block: address, layout: layoutId(layout), index: 2 }),
  'local-network': networkRecords,
  'peer-id': () => member,
  certificate: certificateFields,
  'key-file-plain': () => written(readSecret),
  ...joinTexts,
}

/** What a node says on its network, a record a line. */
function networkRecords(): string {
  const tag = tagOfKey(spki)
  const { answers, additionals } = encodePresence({ name: lanName(tag, member), tag, port: 7117 })
  return [...answers!, ...additionals!]
    .map((record) => {
      const { name, type, ttl } = record
      const said = type === 'SRV' ? record.data.port : [record.data].flat().join(' ')
      return `${name} ${type} ${ttl} ${said}`
    })
    .join('\n')
}

async function certificateFields(): Promise<string> {
  const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const pem = await issue(await createAuthority('the swarm'), publicKeyPem, { role: 'storage' })
  const { subject, subjectAltName, issuer, keyUsage, ca } = new X509Certificate(pem)
  return [
    ...[`subject: ${subject}`, `subject alternative name: ${subjectAltName}`, `issuer: ${issuer}`],
    ...[`extended key usage: ${keyUsage?.join('\n')}`, `authority: ${ca}`],
  ]
    .map((line) => line.replaceAll('\n', ', '))
    .join('\n')
}

async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'drey-formats-'))
  try {
    return await work(join(folder, 'read.key'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function written(secret: Uint8Array): Promise<string> {
  return inFolder(async (path) => {
    await writeKeyFile(path, secret)
    return (await readFile(path, 'utf8')).trimEnd()
  })
}

describe('The page of formats', () => {
  for (const [name, make] of Object.entries(bytes)) {
    it(`shows the bytes that Drey makes: ${name}`, () => {
      assert.equal(toHex(hexShown(name)), toHex(make()))
    })
  }

  for (const [name, make] of Object.entries(texts)) {
    it(`shows the text that Drey makes: ${name}`, async () => {
      assert.equal(shown('text', name).trimEnd(), await make())
    })
  }

  it('shows key files that open', async () => {
    const open = (name: string, passphrase?: string) =>
      inFolder(async (path) => {
        await writeFile(path, shown('text', name))
        return readKeyFile(path, passphrase)
      })
    assert.deepEqual(await open('key-file-plain'), readSecret)
    assert.deepEqual(await open('key-file-sealed', 'acorn'), readSecret)
  })

  it('shows where the members stand for its block', () => {
    const members = placed()
    const order = placementOrder(address, members).map(({ id, capacity }) => {
      return `${id} ${capacity / 2 ** 30} GiB`
    })
    assert.equal(shown('text', 'placement-order').trimEnd(), order.join('\n'))
  })

  it('shows no bytes that nobody compares', () => {
    const compared = Object.keys({ ...bytes, ...texts })
    assert.deepEqual(
      blocks.map(({ name }) => name).filter((name) => !compared.includes(name)),
      ['placement-order', 'key-file-sealed'],
    )
  })

  it('names every file of vectors', () => {
    const files = globSync('test/vectors/*.json', { cwd: root }).map((file) => basename(file))
    assert.deepEqual(
      files.filter((file) => !page.includes(`test/vectors/${file}`)),
      [],
    )
  })

  it('shows how the wrapped key in a root is the one of the section on keys', () => {
    assert.deepEqual(wrapOf(hexShown('manifest-inline')), hexShown('wrapped-key'))
  })
})

/** Members of several sizes; the first is the one that the page computes by hand. */
function placed(): { id: string; capacity: number }[] {
  const gibibytes = [500, 500, 2000]
  return gibibytes.map((size, index) => ({
    id: index === 0 ? member : `${'abc'[index]!.repeat(31)}a`,
    capacity: size * 2 ** 30,
  }))
}
