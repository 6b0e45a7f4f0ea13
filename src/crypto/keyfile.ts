import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { blake3 } from '../address/blake3.ts'
import { concat, equalBytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

/**
 * scrypt (RFC 7914) with 32 MiB of memory, three times: OWASP's equal of N = 2^17 that a small node can
 * afford when it starts.
 */
const scryptCost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 } as const

const temporaryBytes = 6 // Of chance in the name of a file that is being written.

interface KeyFile {
  readonly drey: 'key'
  readonly version: 1
  /** base64 of a check (16 bytes: the beginning of the secret's BLAKE3 hash) and the secret. */
  readonly plain?: string
  /** base64 of salt (16), nonce (12), tag (16) and the secret, sealed with AES-256-GCM. */
  readonly sealed?: string
}

/** Writes a secret into a file of mode 0600, whole or not at all; sealed where a passphrase is given. */
export async function writeKeyFile(
  path: string,
  secret: Uint8Array,
  passphrase?: string,
): Promise<void> {
  const body: KeyFile =
    passphrase === undefined
      ? { drey: 'key', version: 1, plain: withCheck(secret).toString('base64') }
      : { drey: 'key', version: 1, sealed: (await seal(secret, passphrase)).toString('base64') }
  await writePrivately(path, `${JSON.stringify(body)}\n`)
}

/**
 * Reads it back: the secret that was written, or a failure. Throws 'bad-passphrase' when one is missing or
 * wrong, 'bad-input' for a damaged file or another one.
 */
export async function readKeyFile(path: string, passphrase?: string): Promise<Uint8Array> {
  const { bytes, isSealed } = parse(path, await readFile(path, 'utf8'))
  if (!isSealed) return checked(path, bytes)
  if (passphrase === undefined) {
    throw new DreyError(
      'bad-passphrase',
      `${path} is sealed: give its passphrase in DREY_PASSPHRASE`,
    )
  }
  const secret = await unseal(bytes, passphrase)
  if (secret === undefined) {
    throw new DreyError('bad-passphrase', `the passphrase does not open ${path}, or it is damaged`)
  }
  return secret
}

/** Temporary file, sync, rename, sync of the folder: never half a key under a name, nor a lost one. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(temporaryBytes).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => {}) // It may be closed already; the first error is the one to tell.
    await rm(temporary, { force: true })
    throw error
  }
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

/** Removes what a killed process had begun to write in a folder. Nobody may be writing there. */
export async function removeUnfinished(folder: string): Promise<void> {
  const unfinished = new RegExp(`\\.[0-9a-f]{${temporaryBytes * 2}}\\.tmp$`)
  for (const file of await readdir(folder)) {
    if (unfinished.test(file)) await rm(join(folder, file), { force: true })
  }
}

function parse(path: string, text: string): { bytes: Uint8Array; isSealed: boolean } {
  const refuse = (why: string, cause?: unknown) => refusal(path, why, cause)
  let body: Partial<KeyFile> | null
  try {
    body = JSON.parse(text) as Partial<KeyFile> | null
  } catch (cause) {
    throw refuse('it is not JSON', cause)
  }
  if (body?.drey !== 'key') throw refuse('it does not say so')
  if (body.version !== 1) throw refuse(`its version is ${String(body.version)}, this Drey reads 1`)
  const isSealed = body.plain === undefined
  const base64 = isSealed ? body.sealed : body.plain
  if (typeof base64 !== 'string') throw refuse('there is no key in it')
  const bytes = Buffer.from(base64, 'base64')
  const isWhole = bytes.toString('base64') === base64 && bytes.length > (isSealed ? 44 : checkBytes)
  if (!isWhole) throw refuse('its key is damaged')
  return { bytes: new Uint8Array(bytes), isSealed }
}

function refusal(path: string, why: string, cause?: unknown): DreyError {
  return new DreyError('bad-input', `${path} is not a key file of Drey: ${why}`, { cause })
}

const checkBytes = 16

/** Without it, a flipped bit would be another key: everything would be sealed under it, and lost with it. */
function withCheck(secret: Uint8Array): Buffer {
  return Buffer.concat([blake3.hash(secret).subarray(0, checkBytes), secret])
}

function checked(path: string, bytes: Uint8Array): Uint8Array {
  const secret = bytes.slice(checkBytes)
  if (!equalBytes(withCheck(secret), bytes)) throw refusal(path, 'its key is damaged')
  return secret
}

const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt)

async function seal(secret: Uint8Array, passphrase: string): Promise<Buffer> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const key = await derive(passphrase.normalize('NFKC'), salt, 32, scryptCost)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = concat([cipher.update(secret), cipher.final()])
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), sealed])
}

async function unseal(sealed: Uint8Array, passphrase: string): Promise<Uint8Array | undefined> {
  const [salt, nonce, tag] = [sealed.slice(0, 16), sealed.slice(16, 28), sealed.slice(28, 44)]
  const key = await derive(passphrase.normalize('NFKC'), salt, 32, scryptCost)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  try {
    decipher.setAuthTag(tag)
    return concat([decipher.update(sealed.slice(44)), decipher.final()])
  } catch {
    return undefined // The tag does not fit: another passphrase, or a damaged file.
  }
}
