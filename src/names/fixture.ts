import assert from 'node:assert/strict'
import { addressOf } from '../address/address.ts'
import { systemClock } from '../base/clock.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { readKeysOf } from '../crypto/keys.ts'
import { Membership } from '../discovery/membership.ts'
import { memoryDatabase } from '../lease/database.ts'
import type { MemoryNetwork } from '../transport/memory.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import type { Role, Transporter } from '../transport/transporter.ts'
import { readEntry, signEntry, type Entry, type EntrySaying } from './entry.ts'
import { Names } from './names.ts'
import { Register, type RegisterLimits } from './register.ts'
import { schema } from './schema.ts'
import { Spread, type SpreadLimits } from './spread.ts'
import { encodeNameValue, sealValue, slotOfName } from './value.ts'

export const keys = readKeysOf(new Uint8Array(32).fill(7))
export const addressCalled = (text: string) => addressOf('dag-cbor', 'blake3', Buffer.from(text))

/** A member that has nothing but its membership and names. */
export interface Villager extends AsyncDisposable {
  readonly id: string
  readonly transporter: Transporter
  readonly membership: Membership
  readonly notary: MemoryNotary
  readonly register: Register
  readonly spread: Spread
  readonly names: Names
  readonly lines: LogLine[]
}

export interface VillagerOptions {
  readonly role?: Role
  readonly limits?: Partial<SpreadLimits>
  readonly register?: Partial<RegisterLimits>
}

export function villager(network: MemoryNetwork, id: string, options: VillagerOptions = {}) {
  const { role = 'reader', limits } = options
  const transporter = network.member(id, { role })
  const notary = new MemoryNotary(id, role)
  const lines: LogLine[] = []
  const common = { transporter, notary, clock: systemClock, random: network.random }
  const log = memoryLog(lines)
  const saying = { name: id, zone: '', relays: [], offersRelay: false, capacity: 1, free: 1 }
  const addresses = [transporter.address]
  const membership = new Membership(
    { ...common, log },
    { ...saying, addresses, stage: 'here' },
    { exchangeMs: 20, answerMs: 300 },
  )
  const register = newRegister(options.register)
  const parts = { ...common, log, register, membership }
  const spread = new Spread(parts, { exchangeMs: 20, answerMs: 300, ...limits })
  const known = role === 'storage' ? undefined : keys
  const names = new Names({ ...parts, spread, keys: known })
  transporter.serve(async (peer, request) => {
    try {
      const { op } = request.header
      return await (op === 'names' ? spread : membership).answer(peer, request)
    } finally {
      request.release?.()
    }
  })
  const close = async () => {
    await spread[Symbol.asyncDispose]()
    await membership[Symbol.asyncDispose]()
    await transporter.close()
  }
  const all = { id, transporter, membership, notary, register, spread, names, lines }
  return { ...all, [Symbol.asyncDispose]: close } satisfies Villager
}

export function newRegister(limits?: Partial<RegisterLimits>): Register {
  return new Register(memoryDatabase(schema), limits)
}

/** What a member says of a name, whatever others have said before. */
export function entryOf(
  notary: MemoryNotary,
  network: Pick<MemoryNetwork, 'random'>,
  { name = 'photos', text = 'a', ...rest }: Partial<EntrySaying> & { name?: string; text?: string },
): Entry {
  const slot = rest.slot ?? slotOfName(keys, name)
  const plain = encodeNameValue({ name, address: addressCalled(text) })
  const value = sealValue(keys, slot, plain, network.random)
  const at = Date.now()
  return readEntry(notary, signEntry(notary, { slot, version: 1, at, value, ...rest }))
}

export async function until(condition: () => boolean | Promise<boolean>, why: string) {
  const limit = Date.now() + 20_000
  while (!(await condition())) {
    assert.ok(Date.now() < limit, why)
    await systemClock.sleep(2)
  }
}
