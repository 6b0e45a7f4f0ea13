import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { memoryLog, type LogLine } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import type { Dht } from './dht.ts'
import { dhtKeys } from './dhtKeys.ts'
import { dhtDefaults } from './dhtLimits.ts'
import { whyRefused } from './dhtPacket.ts'
import { addressAt, bencode, blockOf, DhtTown, homeOf, passerBy, townSwarm } from './dhtTown.ts'

const random = seededRandom(20_261)
const root = blockOf('a root')
const key = dhtKeys(townSwarm).of(root)
const id = random.bytes(20)
const patient = () => ({ signal: AbortSignal.timeout(20_000) })

async function all(found: AsyncIterable<string>): Promise<string[]> {
  const addresses: string[] = []
  for await (const address of found) addresses.push(address)
  return addresses.sort()
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await rest(5)
}

type Fields = Record<string, unknown>

/** One of each message that there is, right in all. */
function rightMessages(): Fields[] {
  const contact = Buffer.concat([random.bytes(20), Buffer.from([10, 1, 2, 3, 27, 205])])
  const token = random.bytes(20)
  const ask = (q: string, a: Fields) => ({ t: 'aa', y: 'q', q, a: { id, ...a } })
  return [
    ask('ping', {}),
    ask('find_node', { target: key }),
    ask('get_peers', { info_hash: key }),
    ask('announce_peer', { info_hash: key, token, port: 4000, implied_port: 0 }),
    { t: 'aa', y: 'r', r: { id, nodes: contact, token, values: [contact.subarray(20)] } },
    { t: 'aa', y: 'e', e: [203, 'no'] },
  ]
}

const encode = (value: unknown) => bencode(value as Parameters<typeof bencode>[0])
/** Of an answer. */
const optional = ['nodes', 'token', 'values']
/** Fits nowhere. */
const wrong: unknown[] = [2 ** 40, 'x'.repeat(19), 'x'.repeat(600), [[]], {}, { toString: 1 }]
/** May fit somewhere. */
const strange: unknown[] = [
  ...wrong,
  ...[0, 1, 70_000, '', 'x'.repeat(21), 'x'.repeat(26)],
  ...[[], ['x'], [1, 2, 3], { length: 9 }, { equals: 'x' }],
  ...[Buffer.from([0, 0, 0, 0, 0, 0]), [Buffer.from([255, 255, 255, 255, 0, 1])], [[5], {}]],
]

/** With one field, at any depth, of another type or size, or missing; or with one too many. */
function* withOneOther(message: Fields, others: readonly unknown[]): Generator<Fields> {
  for (const [name, value] of Object.entries(message)) {
    const { [name]: _, ...rest } = message
    if (!optional.includes(name)) yield rest
    for (const other of others) yield { ...message, [name]: other }
    if (typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)) {
      for (const inner of withOneOther(value as Fields, others)) yield { ...message, [name]: inner }
    }
  }
  for (const name of ['__proto__', 'toString', 'zz'])
    yield Object.fromEntries([...Object.entries(message), [name, 'x']])
}

/** What nobody would write. */
function absurdPackets(): Buffer[] {
  const deep = (open: string, depth: number) => Buffer.from(open.repeat(depth) + 'e'.repeat(depth))
  return [
    ...[
      '',
      'd',
      'l',
      'i',
      'e',
      'de',
      'le',
      'ie',
      'i-e',
      'i-1e',
      'i00e',
      '0:',
      '99999999999:',
      '-3:',
    ],
    ...['l-3:', 'd-5:', 'd1:a-9:e', 'i1.5e', 'i1e400e', '1:', 'd1:y1:q1:t2:aae', 'd3:fooe', 'li1e'],
  ]
    .map((text) => Buffer.from(text))
    .concat([deep('l', 600), deep('d1:a', 200), Buffer.from('l'.repeat(1_300))])
}

function mutated(packet: Buffer): Buffer {
  const copy = Buffer.from(packet)
  for (let times = between(random, 1, 4); times > 0; times--) {
    copy[between(random, 0, copy.length)] = between(random, 0, 256)
  }
  const from = between(random, 0, copy.length)
  const chance = random.fraction()
  if (chance < 0.2) return copy.subarray(0, from)
  if (chance < 0.4) return Buffer.concat([copy.subarray(0, from), copy.subarray(from >> 1)])
  return copy
}

/** Everything above, and chance. */
function hostileMessages(): Buffer[] {
  const right = rightMessages()
  const encoded = right.map(encode)
  return [
    ...absurdPackets(),
    ...right.flatMap((message) => [...withOneOther(message, strange)]).map(encode),
    ...Array.from({ length: 2_000 }, (_, at) => mutated(encoded[at % encoded.length]!)),
    ...Array.from({ length: 500 }, () => Buffer.from(random.bytes(between(random, 0, 1_300)))),
  ]
}

/** A small town of which the first node is spoken to, and what its log says. */
async function attacked() {
  const lines: LogLine[] = []
  const town = new DhtTown()
  const victim = await town.add({ log: memoryLog(lines) })
  await town.addMany(5)
  town.nodes[3]!.publish(root)
  await until(async () => (await all(victim.holders(root, patient()))).length === 1)
  const eve = await passerBy(town.network, homeOf(99))
  return { town, victim, eve, lines }
}

const isWell = async (victim: Dht) =>
  assert.deepEqual(await all(victim.holders(root, patient())), [addressAt(4)])

describe('a node of the DHT', () => {
  it('does not answer an outsider, whatever it sends, and says so in one line', async () => {
    const { town, victim, eve, lines } = await attacked()
    await using _ = town
    const before = victim.state()
    const messages = [...hostileMessages(), ...rightMessages().map(encode)]
    for (const message of messages) eve.send(message, 1)
    eve.send(random.bytes(60_000), 1)
    await until(() => victim.state().refused >= before.refused + messages.length)
    await isWell(victim)
    assert.equal(eve.heard.length, 0)
    const refusals = lines.filter(({ level }) => level === 'warn')
    assert.deepEqual(
      refusals.map(({ fields }) => (fields as { why: string }).why),
      ['no member of this swarm made it', 'it is too long'],
    )
  })

  it('bears whatever a member sends, and keeps nothing of it', async () => {
    const { town, victim, eve, lines } = await attacked()
    await using _ = town
    const messages = hostileMessages()
    const before = victim.state().received
    for (const message of messages) {
      eve.say(message, 1)
      if (random.fraction() < 0.01) await rest(1)
    }
    await until(() => victim.state().received >= before + messages.length)
    await isWell(victim)
    const { nodes, stored, refused } = victim.state()
    assert.ok(refused > messages.length / 2, `${refused} refused`)
    assert.ok(nodes <= 6 && stored <= 2, `${nodes} nodes, ${stored} stored`)
    const whys = lines.map(({ fields }) => String((fields as { why?: string }).why))
    assert.deepEqual(
      whys.filter((why) => why.startsWith('the engine failed')),
      [],
    )
    assert.ok(lines.length < 40, `${lines.length} lines`)
  })

  it('refuses every message that has one field wrong, and no right one', () => {
    for (const right of rightMessages()) {
      assert.equal(whyRefused(encode(right)), undefined)
      for (const message of withOneOther(right, wrong)) {
        assert.notEqual(whyRefused(encode(message)), undefined, JSON.stringify(message))
      }
    }
  })

  it('takes one node for one, under however many ids it speaks, and a machine for a few', async () => {
    const { town, victim, eve } = await attacked()
    await using _ = town
    const ping = () => encode({ t: 'aa', y: 'q', q: 'ping', a: { id: random.bytes(20) } })
    for (let times = 0; times < 50; times++) eve.say(ping(), 1)
    await until(() => eve.answers().length === 50)
    assert.ok(victim.state().nodes <= 6) // Its five neighbours, and Eve.
    for (let port = 2_000; port < 2_050; port++) {
      const other = await passerBy(town.network, homeOf(99), port)
      other.say(ping(), 1)
      await until(() => other.answers().length === 1)
    }
    assert.ok(victim.state().nodes <= 5 + 32)
  })

  it('keeps a limited number of announcements of one machine', async () => {
    const { town, victim, eve } = await attacked()
    await using _ = town
    const ask = (q: string, a: Fields) =>
      eve.say(encode({ t: 'aa', y: 'q', q, a: { id, info_hash: key, ...a } }), 1)
    ask('get_peers', {})
    await until(() => eve.answers().length === 1)
    const token = eve.answers()[0]!.get('token')
    for (let port = 1; port <= 100; port++) ask('announce_peer', { token, port, implied_port: 0 })
    await until(() => eve.answers().length === 101)
    const found = await all(victim.holders(root, patient()))
    assert.deepEqual(
      found.filter((address) => address !== addressAt(4)).length,
      dhtDefaults.valuesPerHostAndKey,
    )
  })
})
