import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { ScrubCount, ScrubReport } from '../mend/scrubState.ts'
import type { DoorRequest } from './door.ts'
import { scrubDoor } from './scrub.ts'

const { signal } = new AbortController()
const body = (async function* () {})()
const asked: DoorRequest = {
  ...{ method: 'POST', path: '/scrub', query: new URLSearchParams(), headers: {}, body, signal },
}
const count: ScrubCount = { shards: 3, bytes: 30, rotted: 1, unread: 0 }
const report: ScrubReport = { ...count, startedAt: 1, endedAt: 2 }

/** The lines that a door answers with. */
async function linesOf(now: Parameters<typeof scrubDoor>[0]['now']): Promise<unknown[]> {
  const reply = await scrubDoor({ now })(asked)!
  const text = Buffer.from(await collect(reply.body)).toString('utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

describe('The door to a scrub', () => {
  it('tells how far it is, and what it found', async () => {
    const lines = await linesOf(async ({ report: tell }) => {
      tell(count)
      await new Promise((resolve) => setTimeout(resolve, 500)) // Longer than between two lines.
      return report
    })
    assert.deepEqual(lines[0], { progress: count })
    assert.deepEqual(lines.at(-1), { outcome: report })
  })

  it('tells why it failed, and hands on that its asker has gone', async () => {
    const busy = new DreyError('busy', 'it is being read already')
    const lines = await linesOf(async (options) => {
      assert.equal(options.signal, signal)
      throw busy
    })
    assert.deepEqual(lines, [{ error: { code: 'busy', message: busy.message } }])
  })

  it('leaves other requests to others', () => {
    const never = async () => assert.fail('nobody asked')
    const door = scrubDoor({ now: never })
    assert.equal(door({ ...asked, method: 'GET' }), undefined)
    assert.equal(door({ ...asked, path: '/scrubs' }), undefined)
  })
})
