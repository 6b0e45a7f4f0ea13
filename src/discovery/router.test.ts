import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { memoryLog, type LogLine } from '../base/log.ts'
import { mapPort } from './router.ts'
import type { Router } from './routerAsk.ts'
import { findPmp } from './routerPmp.ts'
import { PmpBox, loopback } from './routerTown.ts'

const pmp = (box: PmpBox) => (signal: AbortSignal) => findPmp(loopback, signal, box.port)

/** A node that keeps a port, and whose rests we end. */
function keeping(find: (signal: AbortSignal) => Promise<Router | undefined>) {
  const told: (string | undefined)[] = []
  const lines: LogLine[] = []
  const rests: number[] = []
  let wake = () => {}
  const sleep = async (ms: number, signal?: AbortSignal) => {
    rests.push(ms)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    wake = resolve
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
    signal?.throwIfAborted()
    await promise
  }
  const clock = { now: () => 0, sleep }
  const mapped = (address: string | undefined) => void told.push(address)
  const kept = mapPort({ port: 4701, log: memoryLog(lines), mapped, clock, find })
  const rested = async (times: number) => {
    while (rests.length < times) await rest(2)
  }
  const again = async () => {
    const times = rests.length + 1
    wake()
    await rested(times)
  }
  return { told, lines, rests, rested, again, close: () => kept[Symbol.asyncDispose]() }
}

describe('a node behind a router', () => {
  it('has its port passed on, for TCP and UDP, and gives it back when it closes', async () => {
    await using box = await PmpBox.open()
    const node = keeping(pmp(box))
    await node.rested(1)
    assert.deepEqual(node.told, ['203.0.113.5:4701'])
    assert.deepEqual(Object.fromEntries(box.passed), {
      'tcp 4701': { port: 4701, seconds: 3600 },
      'udp 4701': { port: 4701, seconds: 3600 },
    })
    await node.close()
    assert.equal(box.passed.size, 0)
  })

  it('asks again before its time is over, and tells what has changed', async () => {
    await using box = await PmpBox.open()
    box.seconds = 100
    const node = keeping(pmp(box))
    await node.rested(1)
    await node.again()
    assert.deepEqual(node.rests, [50_000, 50_000])
    assert.deepEqual(node.told, ['203.0.113.5:4701'])
    box.address = '203.0.113.99'
    box.passed.clear() // It has restarted, and forgotten.
    await node.again()
    assert.deepEqual(node.told, ['203.0.113.5:4701', '203.0.113.99:4701'])
    assert.equal(box.passed.size, 2)
    await node.close()
  })

  it('takes the port that is free there, and keeps to it', async () => {
    await using box = await PmpBox.open()
    box.taken.add(4701)
    const node = keeping(pmp(box))
    await node.rested(1)
    box.taken.clear()
    await node.again()
    assert.deepEqual(node.told, ['203.0.113.5:4702'])
    assert.deepEqual([...box.passed.keys()], ['tcp 4702', 'udp 4702'])
    await node.close()
    assert.equal(box.passed.size, 0)
  })

  it('tells when the router is gone, and when there is another', async () => {
    await using first = await PmpBox.open()
    await using second = await PmpBox.open()
    let box = first
    const node = keeping((signal) => pmp(box)(signal))
    await node.rested(1)
    first.result = 3
    box = second
    second.address = '203.0.113.6'
    await node.again()
    await node.again()
    assert.deepEqual(node.told, ['203.0.113.5:4701', undefined, '203.0.113.6:4701'])
    assert.deepEqual(node.rests, [600_000, 60_000, 600_000])
    await node.close()
  })

  it('does not tell an address that means nothing on the Internet', async () => {
    await using box = await PmpBox.open()
    box.address = '100.64.7.7'
    const node = keeping(pmp(box))
    await node.rested(1)
    await node.again()
    assert.deepEqual(node.told, [])
    assert.deepEqual(
      node.lines.map(({ fields }) => (fields as { why: string }).why),
      ['100.64.7.7 is no address of the Internet'],
    )
    assert.equal(box.passed.size, 0)
    await node.close()
  })

  it('does not ask without end when the router gives it a port for no time', async () => {
    await using box = await PmpBox.open()
    box.seconds = 0
    const node = keeping(pmp(box))
    await node.rested(1)
    assert.deepEqual(node.rests, [30_000])
    await node.close()
  })

  it('is quiet where there is no router to ask', async () => {
    const node = keeping(async () => undefined)
    await node.rested(1)
    await node.again()
    assert.deepEqual([node.told, node.lines], [[], []])
    await node.close()
    await node.close()
  })

  it('closes at once, though it is asking', async () => {
    await using box = await PmpBox.open()
    box.deaf = Infinity
    const node = keeping(pmp(box))
    while (box.asked === 0) await rest(2)
    await node.close()
    assert.deepEqual(node.told, [])
  })
})
