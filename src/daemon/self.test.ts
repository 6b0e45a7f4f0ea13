import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Membership } from '../discovery/membership.ts'
import type { StoreUsage } from '../store/store.ts'
import { followSelf, type SelfParts } from './self.ts'

const clock = { now: () => 0, sleep: async () => {} }

function followed(usage: () => Promise<StoreUsage>, signal: AbortSignal): Promise<void> {
  const parts = { store: { usage } } as unknown as SelfParts
  return followSelf(parts, {} as Membership, signal, clock)
}

describe('What a node says of itself', () => {
  it('is not missed when the node closes while its store is still being counted', async () => {
    const over = new AbortController()
    await followed(() => {
      over.abort()
      return Promise.reject(new Error('the store is closed'))
    }, over.signal)
  })

  it('is not said when its store fails, and whoever runs it hears of that', async () => {
    const { signal } = new AbortController()
    await assert.rejects(
      followed(() => Promise.reject(new Error('EIO')), signal),
      /EIO/,
    )
  })
})
