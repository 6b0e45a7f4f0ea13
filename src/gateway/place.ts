import { DreyError } from '../base/error.ts'
import { Folder, formatPath, parsePath, placeOf, type FindBlob } from '../folder/folder.ts'
import type { Entry } from '../folder/entry.ts'
import { finderThrough, type Wanted } from './blobClient.ts'
import type { Door } from './door.ts'
import type { Resolved } from './reference.ts'

/** The blob that is meant: the address itself, or what stands below it at the path. */
export async function follow(
  door: Door,
  { address, key, path }: Resolved,
  signal: AbortSignal,
): Promise<Wanted> {
  if (path === undefined) return { address, key }
  const find = finderThrough(door, signal)
  const { entry } = await placeOf(find, await find(address, key), parsePath(path))
  if (entry!.type !== 'symlink') return entry!.link
  throw isLink(path, entry!)
}

/** A folder that is meant. Throws 'bad-input' when it is a file. */
export async function folderAt(find: FindBlob, reference: Resolved): Promise<Folder> {
  const { address, key, path = '' } = reference
  const { folder, entry } = await placeOf(find, await find(address, key), parsePath(path))
  if (folder !== undefined) return folder
  if (entry?.type === 'symlink') throw isLink(path, entry)
  throw new DreyError(
    'bad-input',
    'this is a file, not a folder: read it with drey get or drey cat',
  )
}

function isLink(path: string, { target }: Entry & { type: 'symlink' }): DreyError {
  const where = formatPath([target])
  return new DreyError('bad-input', `"${path}" is a symbolic link to "${where}": ask for that`)
}
