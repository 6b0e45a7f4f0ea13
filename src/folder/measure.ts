import { opendir } from 'node:fs/promises'
import type { Folder } from './folder.ts'
import { childOf, lstatOf } from './local.ts'
import type { TreeOptions } from './store.ts'

/** Bytes of all files in a stored folder, as its listing says. */
export async function bytesIn(folder: Folder): Promise<number> {
  let bytes = 0
  for await (const entry of folder.entries()) if (entry.type !== 'symlink') bytes += entry.size
  return bytes
}

/** Bytes of all files below a folder of this machine that would be stored; what cannot be read does not count. */
export async function bytesBelow(
  path: Buffer,
  options: Pick<TreeOptions, 'isLeftOut' | 'signal'>,
  below = '',
): Promise<number> {
  const { isLeftOut, signal } = options
  let bytes = 0
  try {
    for await (const found of await opendir(path, { encoding: 'buffer' as BufferEncoding })) {
      signal.throwIfAborted()
      const name = found.name as unknown as Buffer
      const shown = `${below}${name.toString('utf8')}`
      const inner = childOf(path, name)
      if (isLeftOut?.(shown, found.isDirectory())) continue
      if (found.isDirectory()) bytes += await bytesBelow(inner, options, `${shown}/`)
      else if (found.isFile()) bytes += Number((await lstatOf(inner)).size)
    }
  } catch {
    signal.throwIfAborted() // Any other failure is told by whoever stores it.
  }
  return bytes
}
