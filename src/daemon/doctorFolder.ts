import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile, stat, statfs, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { equalBytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { formatSize } from '../base/size.ts'
import type { Diagnosis } from '../gateway/doctor.ts'
import { writeDurably } from '../store/durable.ts'
import { ifThere } from '../store/errno.ts'
import { readChain } from '../transport/certificate.ts'
import { whyNotValid } from '../transport/identity.ts'
import { readConfig } from './config.ts'
import { bad, looked, ok, warn, type Verdict } from './diagnosis.ts'
import type { DataFolder } from './folder.ts'
import { isEnding, lastDayOf } from './papers.ts'

const trialBytes = 4_096 // As much as a disk writes at once.
const slowMs = 1_000 // A put waits for a few of these.
const littleSpace = 1 / 20 // Of the disk.
const littleFiles = 10_000 // Names that a disk may still have: each shard takes one.

/** Looks at what a data folder shows, whether a node runs on it or not. Nothing in it is changed. */
export async function examineFolder(folder: DataFolder, clock: Clock): Promise<Diagnosis[]> {
  const disk = 'look at the disk and its rights (dmesg, mount); then start the node again'
  const papers = 'bring the file back from a copy of the folder, or join the swarm anew'
  return [
    await looked('config', () => config(folder), `correct ${folder.config}`),
    await looked('data folder', () => permissions(folder)),
    await looked('certificate', () => certificates(folder, clock), papers),
    await looked('disk', () => trial(folder), disk),
    await looked('free space', () => space(folder), disk),
  ]
}

async function config(folder: DataFolder): Promise<Verdict> {
  const { name, listen, capacity } = await readConfig(folder)
  const offer = capacity === 0 ? 'offers nothing' : `offers ${formatSize(capacity)}`
  return ok(`${name} listens at ${listen} and ${offer}`)
}

/** Keys are for the node's user alone; so is the folder, since whoever may write there can put others in place. */
async function permissions(folder: DataFolder): Promise<Verdict> {
  const { mode, uid } = await stat(folder.path)
  const user = process.getuid?.()
  if (user === undefined) return ok(`${folder.path}; this system has no modes to look at`)
  if (uid !== user) {
    const seen = `${folder.path} belongs to user ${uid}, and this is user ${user}`
    return warn(seen, `run Drey as the user whose folder it is: sudo -u '#${uid}' drey …`)
  }
  const secret = (name: string) => name.endsWith('.key') || name === basename(folder.httpToken)
  const names = (await readdir(folder.path)).filter(secret)
  const modes = await Promise.all(
    names.map(async (name) => (await stat(join(folder.path, name))).mode),
  )
  const open = names.filter((_, at) => isOpen(modes[at]!))
  const todo = `chmod 700 ${folder.path}; chmod 600 ${folder.path}/*.key`
  const keys = `other users may read its keys: ${open.join(', ')}`
  if (!isOpen(mode)) {
    if (open.length === 0) return ok(`${folder.path} is for its user alone`)
    return warn(`were the folder not closed, ${keys}`, todo)
  }
  if (open.length > 0) return bad('not-allowed', keys, todo)
  if ((mode & 0o022) !== 0) return bad('not-allowed', `other users may change ${folder.path}`, todo)
  return warn(`other users may look into ${folder.path}`, todo)
}

const isOpen = (mode: number) => (mode & 0o077) !== 0

/** The member's own certificate first; whose chain does not hold is no member. */
async function certificates(folder: DataFolder, clock: Clock): Promise<Verdict> {
  const own = await readFile(folder.certificate, 'utf8')
  const authority = await readFile(folder.authority, 'utf8')
  const chain = [...readChain(own), ...readChain(authority)].map(String)
  const why = chain.map((pem) => whyNotValid(pem, clock.now())).find((each) => each !== undefined)
  if (why !== undefined) {
    const todo =
      'set the clock; if it is right, start the node where an issuer can be met, or join anew'
    return bad('not-a-member', why, todo)
  }
  const until = lastDayOf({ certificatePem: own })
  const last = lastDayOf({ certificatePem: authority })
  const seen = `it holds until ${until}, the swarm’s own until ${last}`
  if (!isEnding({ certificatePem: own }, clock)) return ok(seen)
  return warn(
    `${seen}, and should have been renewed by now`,
    'run the node while an issuer is connected: drey members',
  )
}

/** Writes a little, as a shard is written, and reads it again. */
async function trial(folder: DataFolder): Promise<Verdict> {
  const place = join(folder.store, 'tmp')
  const where = (await ifThere(stat(place))) === undefined ? folder.path : place
  const path = join(where, `${randomUUID()}.doctor`)
  const bytes = randomBytes(trialBytes)
  const startedAt = performance.now()
  await writeDurably({ temporary: `${path}.tmp`, path }, [bytes], { sync: true })
  const tookMs = performance.now() - startedAt
  const read = await readFile(path)
  await unlink(path)
  if (!equalBytes(read, bytes)) {
    return bad('corrupt', `it gave back other bytes than were written to ${where}`, 'replace it')
  }
  const seen = `a write to ${where} was synced in ${Math.ceil(tookMs)} ms`
  if (tookMs < slowMs) return ok(seen)
  return warn(seen, 'puts wait for that: see what else keeps the disk busy, or how it is')
}

/** Shards never take the last of the disk. */
async function space(folder: DataFolder): Promise<Verdict> {
  const { capacity, freeFloor } = await readConfig(folder)
  const { bavail, blocks, bsize, files, ffree } = await statfs(folder.path)
  const [free, size] = [bavail * bsize, blocks * bsize]
  const seen = `${formatSize(free)} of ${formatSize(size)} are free`
  const todo = 'make room on the disk (drey gc says what is not wanted any more)'
  if (files > 0 && ffree < littleFiles) return warn(`the disk can have ${ffree} more files`, todo)
  if (free <= freeFloor && capacity > 0) {
    const floor = `${seen}, and shards leave ${formatSize(freeFloor)}: it takes no more`
    return bad('full', floor, `${todo}, or lower "freeFloor" in ${folder.config}`)
  }
  return free - freeFloor < size * littleSpace ? warn(seen, todo) : ok(seen)
}
