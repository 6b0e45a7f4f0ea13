import { messageOf } from '../base/error.ts'
import type { Holder } from './holder.ts'

const toldMax = 3 // They are mostly alike.

/** What members said who did not do what they were asked: "attic: this node is full". Empty when nobody did. */
export function reasonsOf(failures: ReadonlyMap<Holder, unknown>): string {
  const told = [...failures].map(([{ member }, why]) => `${member.name}: ${messageOf(why)}`)
  if (told.length > toldMax) told.splice(toldMax, Infinity, `and ${told.length - toldMax} more`)
  return told.join('; ')
}
