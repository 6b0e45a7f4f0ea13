import { randomUUID } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DreyError } from '../base/error.ts'
import { errnoOf, ifThere } from './errno.ts'

const name = 'lock'

export interface FolderLock extends AsyncDisposable {
  /** Whether whoever had it before may have left without closing what it did. */
  readonly takenOver: boolean
}

/**
 * Keeps other processes out of a folder. The lock is a file that names its process; one whose process
 * is gone (kill -9, a power cut) is taken over. Throws 'busy' when somebody lives there. Disposing
 * gives the lock back.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const lock = join(folder, name)
  const mine = `${lock}.${randomUUID()}`
  await writeFile(mine, await describe(process.pid), { flag: 'wx', mode: 0o600 })
  let takenOver = false
  try {
    while (!(await linked(mine, lock))) {
      await clearStale(folder, lock)
      takenOver = true
    }
  } finally {
    await unlink(mine)
  }
  return { takenOver, [Symbol.asyncDispose]: async () => void (await ifThere(unlink(lock))) }
}

/** A link, unlike a new file, appears with its content or not at all. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a process that is gone. */
async function clearStale(folder: string, lock: string): Promise<void> {
  const owner = await readText(lock)
  if (owner === undefined) return // Given back just now.
  const pid = Number(owner.split(' ')[0])
  if (isAlive(pid) && (await describe(pid)) === owner) {
    throw new DreyError('busy', `${folder} is in use by the process ${pid}: stop that one first`)
  }
  const aside = `${lock}.${randomUUID()}`
  await rename(lock, aside)
  // Another process may have taken it over between the reading and the renaming: it gets it back.
  if ((await readText(aside)) !== owner) await linked(aside, lock)
  await unlink(aside)
}

/** A process, told apart from a later one of the same number by when it started, where that is known. */
async function describe(pid: number): Promise<string> {
  const stat = await readText(`/proc/${pid}/stat`)
  const boot = await readText('/proc/sys/kernel/random/boot_id')
  // Field 22; counted from behind the command, which may contain spaces and parentheses.
  const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return `${pid} ${started ?? '-'} ${boot?.trim() ?? '-'}`
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM' // Alive, and of another user.
  }
}

function readText(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'))
}
