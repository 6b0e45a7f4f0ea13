import { formatAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { Folder } from '../folder/folder.ts'
import { bytesIn } from '../folder/measure.ts'
import { finderThrough, type Wanted } from '../gateway/blobClient.ts'
import type { Door } from '../gateway/door.ts'
import { fetchFolder } from '../gateway/folderClient.ts'
import type { GetCommand } from './get.ts'
import { formatSize, say } from './output.ts'
import { Progress } from './progress.ts'
import { holdersAt } from './visit.ts'

/** `drey get FOLDER -o DIR`: writes a folder with all that is in it. */
export async function getFolder(
  door: Door,
  { address, key }: Wanted,
  options: GetCommand,
  signal: AbortSignal,
): Promise<void> {
  const { output, setId: keepsSetId } = options
  if (output === undefined || output === '-') {
    const hint = 'name where it goes with -o, or look into it with drey ls'
    throw new DreyError('bad-input', `this is a folder: ${hint}`)
  }
  const find = finderThrough(door, signal)
  const folder = (await Folder.of(await find(address, key)))!
  const done = await show(folder, options, door, (passed) =>
    fetchFolder(door, folder, output, { signal, passed, keepsSetId }),
  )
  const words = `${output}: ${done.files} files, ${formatSize(done.bytes)}`
  say(options, { address: formatAddress(address), ...done, output }, words)
}

async function show<T>(
  folder: Folder,
  options: GetCommand,
  door: Door,
  work: (passed: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  using progress = new Progress(options, 'get', { holders: holdersAt(door) })
  void progress.expect(() => bytesIn(folder))
  return await work((bytes) => progress.add(bytes))
}
