import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../base/bytes.ts'
import type { GarbageReport } from '../mend/collect.ts'
import type { DoorRequest } from './door.ts'
import { garbageDoor } from './garbage.ts'

const { signal } = new AbortController()
const body = (async function* () {})()
const removed = { blocks: 2, shards: 3, bytes: 30 }
const none = { blocks: 0, bytes: 0 }
const report: GarbageReport = { removed, waiting: none, adopted: none }

function asked(query: string, change: Partial<DoorRequest> = {}): DoorRequest {
  const all = { method: 'POST', path: '/gc', headers: {}, body, signal, ...change }
  return { ...all, query: new URLSearchParams(query) }
}

/** What is done for a request, in order, and the last line of the answer. */
async function answer(query: string): Promise<{ done: string[]; last: unknown }> {
  const done: string[] = []
  const doing = (what: string) => async (options: { signal: AbortSignal }) => {
    assert.equal(options.signal, signal)
    done.push(what)
    return report
  }
  const collector = { collect: doing('collect'), look: doing('look') }
  const abandonAdopted = async () => void done.push('abandon')
  const reply = await garbageDoor({ collector, abandonAdopted })(asked(query))!
  const lines = Buffer.from(await collect(reply.body))
    .toString('utf8')
    .trim()
    .split('\n')
  return { done, last: JSON.parse(lines.at(-1)!) }
}

describe('The door to garbage', () => {
  it('removes what nobody wants, and says how much', async () => {
    assert.deepEqual(await answer(''), { done: ['collect'], last: { outcome: report } })
  })

  it('only looks when it is asked what would be removed', async () => {
    assert.deepEqual((await answer('dry')).done, ['look'])
    assert.deepEqual((await answer('dry&adopted')).done, ['look'], 'whatever else is asked')
  })

  it('gives up what was adopted only when that is asked for', async () => {
    assert.deepEqual((await answer('adopted')).done, ['abandon', 'collect'])
  })

  it('leaves other requests to others', () => {
    const never = async () => assert.fail('nobody asked')
    const door = garbageDoor({ collector: { collect: never, look: never }, abandonAdopted: never })
    assert.equal(door(asked('', { method: 'GET' })), undefined)
    assert.equal(door(asked('', { path: '/gcs' })), undefined)
  })
})
