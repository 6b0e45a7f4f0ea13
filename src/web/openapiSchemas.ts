import type { Schema } from './openapi.ts'

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer' }
const flag: Schema = { type: 'boolean' }
const perhaps = (type: 'string' | 'integer'): Schema => ({ type: [type, 'null'] })
const listOf = (items: Schema): Schema => ({ type: 'array', items })

/** An object that has all of these; `more` it may have. */
function object(properties: Record<string, Schema>, more: Record<string, Schema> = {}): Schema {
  return {
    type: 'object',
    properties: { ...properties, ...more },
    required: Object.keys(properties),
  }
}

const version = {
  version: count,
  ...{ address: perhaps('string'), key: perhaps('string') },
  ...{ at: { ...count, description: 'milliseconds since 1970' }, by: text, byName: text },
}

const member = object({
  ...{ id: text, name: text, role: text, zone: text, connected: perhaps('string') },
  state: { ...text, enum: ['this', 'live', 'suspect', 'away', 'leaving', 'left'] },
  ...{ addresses: listOf(text), capacity: count, free: count, heardAt: perhaps('string') },
})

/** What is answered. The types beside the doors in `gateway` say the same, and what it means. */
export const schemas: Readonly<Record<string, Schema>> = {
  Error: object({ error: object({ code: text, message: text }) }),
  Login: object({ token: text }, { next: text }),
  Stored: object({
    ...{ address: text, link: text, size: count, blocks: count, newBlocks: count, newBytes: count },
    ...{ sentShards: count, sentBytes: count, code: object({ k: count, n: count }) },
    ...{ syncedOn: count, aimedAt: count, survives: count, summary: text },
  }),
  Listing: object({
    address: text,
    entries: listOf(
      object(
        { name: text, href: text, mode: text, modified: text, type: text },
        { size: count, count, link: text, target: text },
      ),
    ),
  }),
  Removed: object({ address: text, leases: count, told: listOf(text) }),
  NameSet: object({ name: text, ...version, told: listOf(text), leased: flag }),
  Name: object({ name: text }, { ...version, versions: listOf(object(version)) }),
  Names: object({ names: listOf(object({ name: text, ...version })) }),
  Status: object(
    {
      ...{ id: text, name: text, role: text, zone: text, address: text, code: text },
      ...{ shards: perhaps('integer'), bytes: perhaps('integer'), free: perhaps('integer') },
      ...{ scrub: object({ pass: object({}) }), garbage: object({ blocks: count, bytes: count }) },
      ...{ partners: count, reach: object({}), members: listOf(object({ id: text, name: text })) },
    },
    { mend: object({}) },
  ),
  List: object({
    blobs: listOf(
      object({
        ...{ address: text, name: perhaps('string'), size: perhaps('integer') },
        ...{ made: count, expires: perhaps('integer') },
      }),
    ),
    total: count,
  }),
  Members: listOf(member),
  Found: object({
    address: text,
    layers: listOf(
      object({ layer: text, tookMs: { type: 'number' }, replies: listOf(object({})) }),
    ),
  }),
  Line: object({}, { progress: {}, outcome: {}, error: object({ code: text, message: text }) }),
  Event: object({ type: { ...text, enum: ['member', 'gone', 'rot', 'mend'] } }),
  Health: object({ healthy: flag, why: listOf(object({ code: text, message: text })) }),
}
