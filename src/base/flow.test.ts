import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { mapAhead, Window } from './flow.ts'

async function* numbers(count: number): AsyncGenerator<number> {
  for (let index = 0; index < count; index++) yield index
}

describe('Working ahead', () => {
  it('gives results in the order of the source, whichever was ready first', async () => {
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    const results = Array.fromAsync(
      mapAhead(numbers(4), 4, async (item) => {
        await gates[item]!.promise
        return item * 10
      }),
    )
    for (const gate of gates.toReversed()) {
      gate.resolve()
      await turn()
    }

    assert.deepEqual(await results, [0, 10, 20, 30])
  })

  it('never has more items between source and reader than its window', async () => {
    const held = new Set<number>()
    let most = 0
    const results = mapAhead(numbers(20), 3, async (item) => {
      held.add(item)
      most = Math.max(most, held.size)
      return item
    })
    for await (const item of results) {
      await turn() // The reader takes its time.
      held.delete(item)
    }

    assert.equal(most, 3)
  })

  it('takes items from a list as well, and ends with an empty one', async () => {
    const double = async (item: number) => item * 2

    assert.deepEqual(await Array.fromAsync(mapAhead([1, 2, 3], 2, double)), [2, 4, 6])
    assert.deepEqual(await Array.fromAsync(mapAhead([], 2, double)), [])
  })

  it('fails with the work that failed, after the results before it', async () => {
    const seen: number[] = []
    const failing = mapAhead(numbers(9), 3, async (item) => {
      if (item === 2) throw new Error('the third one')
      return item
    })

    await assert.rejects(async () => {
      for await (const item of failing) seen.push(item)
    }, /the third one/)
    assert.deepEqual(seen, [0, 1])
  })

  it('aborts and waits for what was begun when a piece of work has failed', async () => {
    const ended: string[] = []
    const failing = mapAhead(numbers(3), 3, async (item, signal) => {
      if (item === 0) throw new Error('no')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await turn()
      ended.push(`item ${item}: ${(signal.reason as Error).message}`)
    })

    await assert.rejects(failing.next(), /^Error: no$/)
    assert.deepEqual(ended, ['item 1: no longer needed', 'item 2: no longer needed'])
  })

  it('gives back finished results that nobody read when the reader leaves', async () => {
    const dropped: number[] = []
    let closed = false
    async function* source() {
      try {
        yield* numbers(10)
      } finally {
        closed = true
      }
    }
    const give = (item: number) => void dropped.push(item)
    for await (const item of mapAhead(source(), 4, async (item) => item, give)) {
      if (item === 1) break
    }

    assert.deepEqual(dropped, [2, 3, 4])
    assert.ok(closed, 'the source is closed')
  })

  it('passes on what the source failed with', async () => {
    async function* broken() {
      yield 1
      throw new Error('the stream ended early')
    }

    await assert.rejects(
      Array.fromAsync(mapAhead(broken(), 4, async (item) => item)),
      /the stream ended early/,
    )
  })
})

describe('A window', () => {
  it('lets in what fits, and the rest in the order of asking', async () => {
    const window = new Window(10)
    const order: string[] = []
    const enter = async (name: string, units: number) => {
      await window.take(units)
      order.push(name)
    }
    await enter('first', 8)
    const waiting = [enter('large', 9), enter('small', 1)]
    await turn()
    assert.deepEqual(order, ['first'], 'a small wish does not overtake a large one')

    window.give(8)
    await Promise.all(waiting)
    assert.deepEqual(order, ['first', 'large', 'small'])
    assert.equal(window.inUse, 10)
  })

  it('counts a wish larger than itself as all of it', async () => {
    const window = new Window(4)
    await window.take(100)
    assert.equal(window.inUse, 4)

    window.give(100)
    assert.equal(window.inUse, 0)
  })

  it('rejects with the reason of the signal, and takes nothing', async () => {
    const window = new Window(1)
    await assert.rejects(window.take(1, AbortSignal.abort(new Error('left before'))), /left before/)
    await window.take(1)
    const leaving = new AbortController()
    const waiting = window.take(1, leaving.signal)
    leaving.abort(new Error('left the queue'))

    await assert.rejects(waiting, /left the queue/)
    window.give(1)
    assert.equal(window.inUse, 0)
  })

  it('lets in who stood behind a large wish that was given up', async () => {
    const window = new Window(10)
    await window.take(5)
    const leaving = new AbortController()
    const large = window.take(10, leaving.signal)
    const small = window.take(5)
    leaving.abort(new Error('gave up'))

    await assert.rejects(large, /gave up/)
    await small
    assert.equal(window.inUse, 10)
  })

  it('keeps what was granted in the same turn as the abort', async () => {
    const window = new Window(1)
    await window.take(1)
    const leaving = new AbortController()
    const waiting = window.take(1, leaving.signal)
    window.give(1)
    leaving.abort(new Error('too late'))

    await waiting
    assert.equal(window.inUse, 1)
  })
})
