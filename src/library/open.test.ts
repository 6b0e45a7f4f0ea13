import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { ask, followLines } from '../gateway/ask.ts'
import { socketDoor } from '../gateway/client.ts'
import type { DreyEvent } from '../gateway/events.ts'
import type { Finding } from '../node/gather.ts'
import type { Drey } from './drey.ts'
import { connect, openNode, type OpenOptions } from './open.ts'

const { signal } = new AbortController()
const film = seededRandom(3).bytes(10 << 20) // So many segments that each node is asked first for some.
let home: string
before(async () => void (home = await mkdtemp(join(tmpdir(), 'drey-open-'))))
after(() => rm(home, { recursive: true }))

function open(name: string, options: Partial<OpenOptions> = {}): Promise<Drey> {
  const quiet = { listen: '127.0.0.1:0', without: ['lan', 'dht', 'router'] } as const
  return openNode({ ...quiet, data: join(home, name), name, ...options })
}

describe('openNode', () => {
  it('founds a swarm where there is none, and opens the same node afterwards', async () => {
    let first: string
    {
      await using node = await open('attic', { create: true })
      first = (await node.status()).id
      await node.put('acorns')
    }
    await using again = await open('attic', { create: true, name: 'another name' })

    const { id, name } = await again.status()
    assert.deepEqual([id, name], [first, 'attic'])
    assert.equal((await again.list()).total, 1)
  })

  it('says what to do when there is no node, when one is running, and when none is', async () => {
    await assert.rejects(open('nowhere'), { code: 'bad-input' })
    await assert.rejects(open('nowhere', { create: true, join: 'x' }), /create or join/)
    await assert.rejects(open('nowhere', { join: 'x' }), { code: 'bad-input' })
    await using _node = await open('running', { create: true })
    await assert.rejects(open('running'), /connect\(\)/)
    await assert.rejects(connect(join(home, 'nowhere')), /openNode\(\)/)
  })

  it('seals the keys of a new node under a passphrase, which opens it', async () => {
    const passphrase = 'squirrel'
    await (await open('sealed', { create: true, passphrase }))[Symbol.asyncDispose]()

    await assert.rejects(open('sealed'), { code: 'bad-passphrase' })
    await assert.rejects(open('sealed', { passphrase: 'x' }), { code: 'bad-passphrase' })
    await using _node = await open('sealed', { passphrase })
  })

  it('leaves no socket where it is not wanted', async () => {
    await using _node = await open('alone', { create: true, socket: false })

    await assert.rejects(connect(join(home, 'alone')), { code: 'unreachable' })
  })

  it('says what happens where it is told to, and nowhere else', async () => {
    const lines: LogLine[] = []
    await using node = await open('talking', { create: true, log: memoryLog(lines) })
    const { token } = await node.invite()
    await using _other = await open('silent', { join: token })
    await node.whenLive(2)

    assert.ok(lines.length > 0)
  })

  it('makes nothing when it is aborted before', async () => {
    await assert.rejects(open('aborted', { create: true, signal: AbortSignal.abort() }))

    assert.ok(!(await readdir(home)).includes('aborted'))
  })
})

describe('Two nodes in one process', () => {
  it('read what the other has stored as soon as they are open', async () => {
    await using attic = await open('first', { create: true })
    const { token } = await attic.invite({ role: 'reader' })
    await using barn = await open('second', { join: token })
    const { address, survives } = await barn.put('acorns')

    assert.equal(survives, 1)
    assert.equal(await attic.get(address).text(), 'acorns')
  })

  it('hear of each other, of what rots, and who has it', async () => {
    const heard: DreyEvent[] = []
    await using attic = await open('hears', { create: true })
    const { token } = await attic.invite({ role: 'reader' })
    const barn = await open('rots', { join: token })
    const listening = listen(barn, heard)
    const { address } = await attic.put(film)
    const found: Finding[] = []
    await damage(join(home, 'rots', 'store', 'shards'))

    const onFinding = (finding: Finding) => found.push(finding)
    assert.deepEqual(await barn.get(address, { onFinding }).bytes(), film)
    const [{ what, block, index }] = found as [Finding]
    assert.equal(what, 'rotted-shard')
    await until(() => heard.some((event) => event.type === 'rot' && event.block === block))
    assert.ok(heard.some((event) => event.type === 'rot' && event.index === index))
    assert.ok(heard.some((event) => event.type === 'member' && event.member.name === 'hears'))

    const members = attic.events({ signal: AbortSignal.timeout(60_000) })
    await barn[Symbol.asyncDispose]()
    await listening
    for await (const event of members) {
      if (event.type === 'member' && event.member.state === 'suspect') break
    }
  })

  it('are closed when they have left their swarm', async () => {
    const node = await open('leaves', { create: true })
    const door = socketDoor(join(home, 'leaves', 'drey.sock'))
    const query = new URLSearchParams({ now: '' })
    const { body } = await ask(door, 'POST', '/leave', { query, signal })
    await followLines(body, () => {})

    await until(() =>
      node.status().then(
        () => false,
        () => true,
      ),
    )
    await node[Symbol.asyncDispose]() // All of it is closed by then.
  })
})

describe('A program that imports Drey', () => {
  it('is left as it is: no handler, no output, nothing new that is global', () => {
    const index = new URL('../index.ts', import.meta.url)
    const program = `
      const names = () => Object.getOwnPropertyNames(globalThis).concat(Object.getOwnPropertyNames(Reflect))
      const before = [...names(), ...process.eventNames()].join()
      await import(${JSON.stringify(index)})
      if ([...names(), ...process.eventNames()].join() !== before) throw new Error('changed')`
    const { status, stdout, stderr } = spawnSync(process.execPath, [
      ...['--input-type=module', '--eval', program],
    ])

    assert.deepEqual(
      { status, stdout: stdout.toString(), stderr: stderr.toString() },
      { status: 0, stdout: '', stderr: '' },
    )
  })
})

/** Listens until the node is closed. */
async function listen(node: Drey, heard: DreyEvent[]): Promise<void> {
  for await (const event of node.events()) heard.push(event)
}

/** Cuts what a store keeps in half. */
async function damage(folder: string): Promise<void> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  assert.ok(files.length > 0)
  for (const { parentPath, name } of files) await truncate(join(parentPath, name), 100)
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}
