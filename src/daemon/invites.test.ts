import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { toHex } from '../base/bytes.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { memoryLog, silentLog, type LogLine } from '../base/log.ts'
import { Invites, type InviteTerms } from './invites.ts'

const home = await mkdtemp(join(tmpdir(), 'drey-invites-'))
after(() => rm(home, { recursive: true }))

let made = 0
/** A book in a file of its own, and a time that can be set. */
async function openBook(now = 1e12) {
  const path = join(home, `${made++}.json`)
  const clock = { ...systemClock, time: now, now: () => clock.time }
  return { path, clock, book: await Invites.open(path, clock, silentLog) }
}

const terms = (clock: { now(): number }, changes: Partial<InviteTerms> = {}): InviteTerms => ({
  ...{ role: 'storage', uses: 1, expires: clock.now() + 3_600_000 },
  ...changes,
})

/** What an attempt to use a secret comes to: "yes", or why not. */
async function attempt(book: Invites, secret: Uint8Array, member: string): Promise<string> {
  return book
    .use(secret, member, async () => 'yes')
    .catch((error: unknown) => {
      assert.ok(isDreyError(error, 'not-allowed'), String(error))
      return error.message
    })
}

describe('An invitation', () => {
  it('admits as many as it is for, and then says that it was used', async () => {
    const { book, clock } = await openBook()
    const { secret } = await book.make(terms(clock, { uses: 2 }))
    assert.equal(await attempt(book, secret, 'ann'), 'yes')
    assert.equal(await attempt(book, secret, 'bob'), 'yes')
    assert.match(await attempt(book, secret, 'cat'), /was used by 2 machines/)
  })

  it('for one machine is won by one of many that come at the same time', async () => {
    const { book, clock } = await openBook()
    const { secret } = await book.make(terms(clock))
    const names = Array.from({ length: 20 }, (_, index) => `machine ${index}`)
    const all = await Promise.all(names.map((name) => attempt(book, secret, name)))
    assert.equal(all.filter((said) => said === 'yes').length, 1)
    assert.equal(all.filter((said) => /was used/.test(said)).length, 19)
  })

  it('admits the same machine again, since its answer may have been lost, until it expires', async () => {
    const { book, clock } = await openBook()
    const { secret } = await book.make(terms(clock))
    for (let time = 0; time < 3; time++) assert.equal(await attempt(book, secret, 'ann'), 'yes')
    assert.equal(book.list()[0]!.admitted.length, 1)
    clock.time += 3_600_001
    assert.match(await attempt(book, secret, 'ann'), /expired on 2001-09-09 02:46 UTC/)
  })

  it('is not used up by an admission that failed', async () => {
    const { book, clock } = await openBook()
    const { secret } = await book.make(terms(clock))
    const failing = book.use(secret, 'ann', async () => assert.fail('no certificate'))
    await assert.rejects(failing, /no certificate/)
    assert.equal(await attempt(book, secret, 'bob'), 'yes')
  })

  it('admits nobody when its use cannot be written down', async () => {
    const { book, clock, path } = await openBook()
    const { secret } = await book.make(terms(clock))
    await rm(path)
    await mkdir(path)
    await assert.rejects(book.use(secret, 'ann', async () => 'yes'))
    assert.equal(book.list()[0]!.admitted.length, 0)
  })

  it('is known for a day after it has expired, and then forgotten', async () => {
    const { book, clock } = await openBook()
    const { secret } = await book.make(terms(clock))
    clock.time += 24 * 3_600_000
    assert.match(await attempt(book, secret, 'ann'), /expired/)
    clock.time += 3_600_001
    assert.match(await attempt(book, secret, 'ann'), /not known/)
    assert.ok(book.isEmpty)
  })

  it('that was withdrawn admits nobody', async () => {
    const { book, clock } = await openBook()
    const { invite, secret } = await book.make(terms(clock))
    assert.ok(await book.withdraw(invite.id))
    assert.ok(!(await book.withdraw(invite.id)))
    assert.match(await attempt(book, secret, 'ann'), /not known/)
  })

  it('with a wrong secret is not known', async () => {
    const { book, clock } = await openBook()
    await book.make(terms(clock))
    for (const wrong of [new Uint8Array(16), new Uint8Array(0), new Uint8Array(64)]) {
      assert.match(await attempt(book, wrong, 'ann'), /not known/)
    }
  })
})

describe('The book of invitations', () => {
  it('survives a restart, used ones too, in a file that its user alone can read', async () => {
    const { book, clock, path } = await openBook()
    const used = await book.make(terms(clock))
    const open = await book.make(terms(clock, { role: 'reader', zone: 'attic' }))
    await attempt(book, used.secret, 'ann')
    const again = await Invites.open(path, clock, silentLog)
    assert.deepEqual(again.list(), JSON.parse(JSON.stringify(book.list())))
    assert.match(await attempt(again, used.secret, 'bob'), /was used/)
    assert.equal(await attempt(again, open.secret, 'bob'), 'yes')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('has nothing in it that one could join with', async () => {
    const { book, clock, path } = await openBook()
    const { secret } = await book.make(terms(clock))
    const text = await readFile(path, 'utf8')
    for (const shown of [toHex(secret), Buffer.from(secret).toString('base64')]) {
      assert.ok(!text.includes(shown))
    }
  })

  it('does not grow without bound', async () => {
    const { book, clock } = await openBook()
    for (let count = 0; count < 128; count++) await book.make(terms(clock))
    await assert.rejects(book.make(terms(clock)), (error) => isDreyError(error, 'full'))
    clock.time += 3_600_001 // Expired ones make room, though they are still known.
    await book.make(terms(clock))
    assert.equal(book.list().length, 1)
    for (const uses of [0, 101, 1.5, NaN]) {
      const making = book.make(terms(clock, { uses }))
      await assert.rejects(making, (error) => isDreyError(error, 'bad-input'))
    }
  })

  it('that is damaged is lost, and the log says so', async () => {
    const { path, clock } = await openBook()
    for (const text of [
      'acorn',
      '{}',
      '{"version":2,"invites":[]}',
      '{"version":1,"invites":[{}]}',
    ]) {
      await writeFile(path, text)
      const lines: LogLine[] = []
      assert.ok((await Invites.open(path, clock, memoryLog(lines))).isEmpty)
      assert.match(lines[0]!.message, /damaged, and its invitations lost/)
    }
  })
})
