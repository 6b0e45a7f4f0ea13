import { formatAddress, parseAddress } from '../address/address.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import type { ShardName } from './store.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** The subfolders that files are spread over: two characters of base32, 1,024 of them. */
export const subfolders: readonly string[] = [...alphabet].flatMap((first) =>
  [...alphabet].map((second) => first + second),
)

/** `<address>.<layout id>.<index>`: the name of a shard's file. Throws 'bad-input' for what is none. */
export function formatShardName({ block, layout, index }: ShardName): string {
  const text = `${formatAddress(block)}.${layout}.${index}`
  if (!pattern.test(text)) throw new DreyError('bad-input', `not the name of a shard: "${text}"`)
  return text
}

/** Reads a file's name; `undefined` when it is not one that Drey writes. */
export function parseShardName(text: string): ShardName | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, address = '', layout = '', index] = match
  try {
    const block = parseAddress(address)
    return formatAddress(block) === address ? { block, layout, index: Number(index) } : undefined
  } catch (error) {
    if (isDreyError(error, 'bad-input')) return undefined // Somebody else's file.
    throw error
  }
}

const pattern = /^(b[a-z2-7]+)\.([0-9a-f]{32})\.(0|[1-9][0-9]{0,2})$/

/** Whether a file found in a subfolder is a shard's, by its name alone. */
export function isShardFile(subfolder: string, file: string): boolean {
  const address = pattern.exec(file)?.[1]
  return address !== undefined && subfolderOf(address) === subfolder
}

/**
 * Which subfolder keeps the shards of a block: the two characters before the last of its address, which
 * are hash. The last one has only two or three bits of it, and would not spread evenly.
 */
export function subfolderOf(address: string): string {
  return address.slice(-3, -1)
}
