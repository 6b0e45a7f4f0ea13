import { X509Certificate } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDreyError, messageOf } from '../base/error.ts'
import { freeBytesOf } from '../store/floor.ts'
import { readConfig } from './config.ts'
import type { DataFolder } from './folder.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'warning' | 'bad'
  readonly seen: string
  /** What to do about it, when it is not well. */
  readonly advice?: string
}

const dayMs = 86_400_000
const renewalDays = 20 // It is renewed by itself before: that it was not is worth a word.
const slowSyncMs = 500

/** What a data folder and its disk say of themselves, whether a node runs on them or not. Throws nothing. */
export async function checkFolder(folder: DataFolder, now: number): Promise<Finding[]> {
  const checks = [checkModes, checkConfig, checkCertificate, checkDisk, checkRoom]
  const found: Finding[] = []
  for (const check of checks) {
    try {
      found.push(await check(folder, now))
    } catch (error) {
      const advice = isDreyError(error)
        ? undefined
        : 'make it readable for this user, or put a copy back'
      found.push({ what: nameOf(check), state: 'bad', seen: messageOf(error), advice })
    }
  }
  return found
}

const nameOf = ({ name }: { name: string }) => name.replace('check', '').toLowerCase()

async function checkModes(folder: DataFolder): Promise<Finding> {
  const secret = [
    folder.path,
    folder.identityKey,
    folder.readKey,
    folder.authorityKey,
    folder.issuerKey,
  ]
  const open: string[] = []
  for (const path of secret) {
    const info = await stat(path).catch(() => undefined) // Not every node has each of them.
    if (info && (info.mode & 0o077) !== 0) open.push(path)
  }
  if (open.length === 0)
    return { what: 'secrets', state: 'ok', seen: 'nobody else on this machine can read them' }
  const seen = `other users of this machine can read ${open.join(', ')}`
  return { what: 'secrets', state: 'bad', seen, advice: `chmod go= ${open.join(' ')}` }
}

async function checkConfig(folder: DataFolder): Promise<Finding> {
  const { listen } = await readConfig(folder)
  return {
    what: 'config',
    state: 'ok',
    seen: `${folder.config} is understood; it listens on ${listen}`,
  }
}

async function checkCertificate(folder: DataFolder, now: number): Promise<Finding> {
  const { validFrom, validTo } = new X509Certificate(await readFile(folder.certificate, 'utf8'))
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  const what = 'certificate'
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  if (now < from) {
    const seen = `it is not valid before ${day(from)}, and it is ${day(now)} here`
    return {
      what,
      state: 'bad',
      seen,
      advice: 'set this machine’s clock (timedatectl), then start the node again',
    }
  }
  const seen = `valid until ${day(to)}`
  if (now > to) {
    const advice =
      'set the clock if it is wrong; else connect to an issuer, which renews it, or join again'
    return { what, state: 'bad', seen: `it expired on ${day(to)}`, advice }
  }
  if (to - now > renewalDays * dayMs) return { what, state: 'ok', seen }
  return {
    what,
    state: 'warning',
    seen,
    advice: 'let the node meet an issuer: that renews it by itself',
  }
}

async function checkDisk(folder: DataFolder): Promise<Finding> {
  const path = join(folder.path, `doctor.${process.pid}.tmp`)
  const started = performance.now()
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.write(new Uint8Array(64 * 1024))
    await file.sync()
  } finally {
    await rm(path, { force: true })
  }
  const tookMs = performance.now() - started
  const seen = `64 KiB are written and synced in ${tookMs.toFixed(0)} ms`
  if (tookMs < slowSyncMs) return { what: 'disk', state: 'ok', seen }
  return {
    what: 'disk',
    state: 'warning',
    seen,
    advice: 'it is busy or ailing: see smartctl -a, iostat -x 1',
  }
}

async function checkRoom(folder: DataFolder): Promise<Finding> {
  const [{ freeFloor }, free] = await Promise.all([readConfig(folder), freeBytesOf(folder.path)])
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const seen = `${gib(free)} are free on its disk, ${gib(freeFloor)} of them stay so`
  if (free > freeFloor) return { what: 'room', state: 'ok', seen }
  const advice =
    'make room on the disk, or lower "freeFloor" in the config: until then it takes no shards'
  return { what: 'room', state: 'bad', seen, advice }
}
