import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MemberView } from '../gateway/members.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { Facts } from './facts.ts'
import { openHouse } from './fixture.ts'
import { reasonsOf } from './health.ts'
import { jsonReply } from '../gateway/door.ts'

const scrub = {
  pass: { shards: 0, bytes: 0, rotted: 0, unread: 0, startedAt: 0, part: 0, endsAt: 0 },
}
const other = {
  ...{ id: 'o', name: 'other', role: 'reader', zone: '', address: '', capacity: 1, free: 1 },
} as const
const status = { free: 1, scrub, members: [other], garbage: { blocks: 3 } } as unknown as NodeStatus
const member = (state: MemberView['state'], capacity = 1) => ({ state, capacity }) as MemberView
const well: Facts = { status, members: [member('this'), member('live')], kept: 5 }

const codesOf = (facts: Facts) => reasonsOf(facts).map(({ code }) => code)
const mend = (lost: number) => ({ census: { blocks: 9, below: 0, lost } }) as NodeStatus['mend']

describe('A node is well', () => {
  it('while members are connected, there is room, and nothing is lost', () => {
    assert.deepEqual(codesOf(well), [])
    assert.deepEqual(codesOf({ ...well, status: { ...status, mend: mend(0) } }), [])
  })

  it('though it is alone in its swarm, or those who are gone have left', () => {
    const alone = { ...status, members: [] }
    assert.deepEqual(codesOf({ ...well, status: alone, members: [member('this')] }), [])
    const left = [member('this'), member('left')]
    assert.deepEqual(codesOf({ ...well, status: alone, members: left }), [])
  })

  it('not when all others are away', () => {
    const members = [member('this'), member('away')]
    assert.deepEqual(codesOf({ ...well, status: { ...status, members: [] }, members }), ['alone'])
  })

  it('not when it takes no more, unless it never did, or still counts', () => {
    assert.deepEqual(codesOf({ ...well, status: { ...status, free: 0 } }), ['full'])
    const members = [member('this', 0)]
    assert.deepEqual(codesOf({ ...well, status: { ...status, free: 0 }, members }), [])
    assert.deepEqual(codesOf({ ...well, status: { ...status, free: null } }), [])
  })

  it('not when blocks are lost, or the disk does not give back all', () => {
    assert.deepEqual(codesOf({ ...well, status: { ...status, mend: mend(1) } }), ['lost'])
    const unread = { pass: { ...scrub.pass, unread: 1 } }
    assert.deepEqual(codesOf({ ...well, status: { ...status, scrub: unread } }), ['unreadable'])
  })
})

describe('How a node is', () => {
  it('is told to whoever asks, without names and without the token', async () => {
    await using house = await openHouse({
      inner: async ({ path }) =>
        jsonReply(path === '/status' ? status : path === '/members' ? well.members : { total: 5 }),
    })
    const answer = await house.ask('/health', { headers: { authorization: '' } })
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.body.toString()), { healthy: true, why: [] })
    const metrics = await house.ask('/metrics')
    assert.match(metrics.body.toString(), /^drey_leased_blobs 5$/m)
    assert.match(metrics.body.toString(), /^drey_removed_blocks_total 3$/m)
    assert.match(
      metrics.body.toString(),
      /^drey_http_requests_total\{method="GET",route="\/health",status="200"\} 1$/m,
    )
    assert.match(metrics.body.toString(), /^nodejs_version_info/m)
    assert.equal((await house.ask('/metrics', { headers: { authorization: '' } })).status, 401)
  })

  it('is not well when the node cannot say', async () => {
    await using house = await openHouse({ inner: () => Promise.reject(new Error('a bug')) })
    const { status, body } = await house.ask('/health')
    assert.equal(status, 503)
    assert.match(body.toString(), /failing/)
  })
})
