import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { formatSize } from '../base/size.ts'
import type { Diagnosis } from '../gateway/doctor.ts'
import type { Leases } from '../lease/leases.ts'
import type { Mender } from '../mend/mender.ts'
import type { Scrubber } from '../mend/scrub.ts'
import type { Store } from '../store/store.ts'
import { bad, looked, ok, warn, type Verdict } from './diagnosis.ts'
import type { DataFolder } from './folder.ts'
import { usageSoon } from './status.ts'

export interface KeepingParts {
  readonly folder: DataFolder
  readonly store: Store
  readonly scrubber: Scrubber
  /** Absent at a node that is open for one command. */
  readonly mender: Mender | undefined
  readonly leases: Leases
  readonly clock: Clock
}

const soonDays = 7

/** Looks at what the node keeps, and at what it knows of who wants it. */
export async function examineKeeping(parts: KeepingParts): Promise<Diagnosis[]> {
  const { mender } = parts
  return [
    await looked('shards', () => shards(parts)),
    ...(mender === undefined ? [] : [await looked('blocks', () => blocks(mender))]),
    await looked('leases', () => leases(parts)),
  ]
}

async function shards({ folder, store, scrubber }: KeepingParts): Promise<Verdict> {
  const usage = await usageSoon(store)
  const { pass, last } = scrubber.progress
  const [unread, rotted] = [pass.unread, pass.rotted + (last?.rotted ?? 0)]
  const count = usage
    ? `${usage.shards}, ${formatSize(usage.bytes)}`
    : 'they are still being counted'
  const room = usage ? `; room for ${formatSize(usage.free)} more` : ''
  const disk = 'look at the disk’s health (smartctl -a), and have a copy of the keys elsewhere'
  if (unread > 0) return bad('cannot-write', `${count}; ${unread} could not be read`, disk)
  const quarantine = join(folder.store, 'quarantine')
  const aside = (await readdir(quarantine)).length
  if (aside > 0) {
    const seen = `${count}; ${aside} files that had rotted are in ${quarantine}`
    return warn(seen, `${disk}; delete them when you have looked`)
  }
  if (rotted > 0) return warn(`${count}; ${rotted} had rotted, and were mended`, disk)
  return ok(count + room)
}

function blocks({ progress }: Mender): Verdict {
  const { census, waiting, passedAt } = progress
  const seen = `it looks after ${census.blocks}`
  if (census.lost > 0) {
    const todo = 'start the members that may have their shards, or put the files again: drey check'
    return bad('not-enough-shards', `${seen}; too few shards are left of ${census.lost}`, todo)
  }
  if (census.below > 0) {
    const weak = `${seen}; ${census.below} survive fewer losses than they should, ${waiting} wait to be mended`
    return warn(
      weak,
      'wait until they are (drey status); if nothing waits, more members are needed',
    )
  }
  return ok(passedAt === undefined ? `${seen}, and has not seen all yet` : seen)
}

async function leases({ folder, leases: all, clock }: KeepingParts): Promise<Verdict> {
  const { total } = all.own.list({ sort: 'time', limit: 0 })
  const ending = all.own.endingBefore(clock.now() + soonDays * 24 * 3_600_000)
  const waiting = all.sweep.waiting()
  const adopted = all.sweep.adopted()
  const damaged = (await readdir(folder.path)).filter((name) => name.includes('.db.damaged-'))
  const goes =
    waiting.blocks > 0 ? `; ${formatSize(waiting.bytes)} are wanted by nobody and will go` : ''
  const seen = `${total} ${total === 1 ? 'blob is' : 'blobs are'} kept from here${goes}`
  if (damaged.length > 0) {
    const todo = 'look at the disk; delete the file when the log says nothing more of it'
    return warn(`${seen}; damaged, and set aside: ${damaged.join(', ')}`, todo)
  }
  if (adopted.blocks > 0) {
    const unknown = `${seen}; of ${formatSize(adopted.bytes)} nobody has said who wants them`
    return warn(unknown, 'wait until their owners’ nodes have run, then drey gc --adopted')
  }
  if (ending === 0) return ok(seen)
  return warn(
    `${seen}; ${ending} of them for less than ${soonDays} days more`,
    'keep what you still want: drey list, drey keep',
  )
}
