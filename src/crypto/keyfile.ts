import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { concat } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

/**
 * scrypt (RFC 7914) with 32 MiB of memory, three times: OWASP's equal of N = 2^17 that a small node can
 * afford when it starts.
 */
const scryptCost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 } as const

interface KeyFile {
  readonly drey: 'key'
  readonly version: 1
  /** base64 of the secret itself, or of salt (16), nonce (12), tag (16) and the sealed secret. */
  readonly plain?: string
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
      ? { drey: 'key', version: 1, plain: Buffer.from(secret).toString('base64') }
      : { drey: 'key', version: 1, sealed: (await seal(secret, passphrase)).toString('base64') }
  await writePrivately(path, `${JSON.stringify(body)}\n`)
}

/** Reads it back. Throws 'bad-passphrase' when one is missing or wrong, 'bad-input' for another file. */
export async function readKeyFile(path: string, passphrase?: string): Promise<Uint8Array> {
  const body = parse(path, await readFile(path, 'utf8'))
  if (body.plain !== undefined) return new Uint8Array(Buffer.from(body.plain, 'base64'))
  if (passphrase === undefined) {
    throw new DreyError(
      'bad-passphrase',
      `${path} is sealed: give its passphrase in DREY_PASSPHRASE`,
    )
  }
  const secret = await unseal(Buffer.from(body.sealed!, 'base64'), passphrase)
  if (secret === undefined) {
    throw new DreyError('bad-passphrase', `the passphrase does not open ${path}`)
  }
  return secret
}

/** Temporary file, sync, rename: never half a key under a name. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
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
}

function parse(path: string, text: string): KeyFile {
  const refuse = (why: string, cause?: unknown) =>
    new DreyError('bad-input', `${path} is not a key file of Drey: ${why}`, { cause })
  let body: Partial<KeyFile>
  try {
    body = JSON.parse(text) as Partial<KeyFile>
  } catch (cause) {
    throw refuse('it is not JSON', cause)
  }
  if (body.drey !== 'key') throw refuse('it does not say so')
  if (body.version !== 1) throw refuse(`its version is ${String(body.version)}, this Drey reads 1`)
  if (typeof (body.plain ?? body.sealed) !== 'string') throw refuse('there is no key in it')
  return body as KeyFile
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
