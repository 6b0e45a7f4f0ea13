import { randomUUID } from 'node:crypto'
import { readFile, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DreyError } from '../base/error.ts'
import { errnoOf, ifThere } from './errno.ts'

const name = 'lock'

export interface FolderLock extends AsyncDisposable {
  /** Whether whoever had it before may have left without closing what it did. */
  readonly takenOver: boolean
  /** What that one has left is in order now. Until this is said, the next one finds it taken over, too. */
  settled(): void
}

/**
 * Keeps other processes out of a folder. The lock is a symbolic link whose text names its process; one
 * whose process is gone (kill -9, a power cut) is taken over. Throws 'busy' when somebody lives there.
 * Disposing gives the lock back.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const lock = join(folder, name)
  const mine = await describe(process.pid)
  let takenOver = false
  while (!(await take(lock, mine))) {
    await clearStale(folder, lock)
    takenOver = true
  }
  let isSettled = !takenOver
  return {
    takenOver,
    settled: () => void (isSettled = true),
    [Symbol.asyncDispose]: () => (isSettled ? giveBack(lock) : leaveStale(lock)),
  }
}

async function giveBack(lock: string): Promise<void> {
  await ifThere(unlink(lock))
}

/** As a process that is gone would leave it. */
async function leaveStale(lock: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`
  await symlink('nobody', aside)
  await rename(aside, lock)
}

/**
 * Whether the lock was free, and is this owner's now. A link, unlike a file, appears with its text or not
 * at all, and takes no room on a disk that is full.
 */
async function take(lock: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, lock)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a process that is gone. */
async function clearStale(folder: string, lock: string): Promise<void> {
  const owner = await ownerOf(lock)
  if (owner === undefined) return // Given back just now.
  const pid = Number(owner.split(' ')[0])
  if (isAlive(pid) && (await describe(pid)) === owner) {
    throw new DreyError('busy', `${folder} is in use by the process ${pid}: stop that one first`)
  }
  const aside = `${lock}.${randomUUID()}`
  const isMoved = await ifThere(rename(lock, aside).then(() => true))
  if (isMoved === undefined) return // By another who found it stale.
  // Another process may have taken it over between the reading and the renaming: it gets it back.
  const other = await ownerOf(aside)
  if (other !== undefined && other !== owner) await take(lock, other)
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

/** A plain file is the lock of an earlier Drey. */
async function ownerOf(lock: string): Promise<string | undefined> {
  try {
    return await ifThere(readlink(lock))
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return readText(lock)
    throw error
  }
}

function readText(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'))
}
