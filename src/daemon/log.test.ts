import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DreyError, isDreyError } from '../base/error.ts'
import { asJson, asWords, logTo } from './log.ts'
import { LogFile } from './logFile.ts'

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'drey-log-'))))
after(() => rm(folder, { recursive: true }))

describe('A log', () => {
  it('says what is important enough, a line of JSON each', () => {
    const lines: string[] = []
    const log = logTo((line) => lines.push(line), asJson, 'warn')
    log.debug('a')
    log.info('b')
    log.warn('c', { member: 'oak' })
    log.error('d')
    const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      said.map(({ level, message, member }) => [level, message, member]),
      [
        ['warn', 'c', 'oak'],
        ['error', 'd', undefined],
      ],
    )
    assert.ok(lines.every((line) => line.endsWith('}\n')))
    assert.ok(!Number.isNaN(Date.parse(said[0]!.time as string)))
  })

  it('tells of an error what happened, where, and why', () => {
    const cause = Object.assign(new Error('no such disk'), { code: 'EIO' })
    const error = new DreyError('cannot-write', 'a shard was not kept', { cause })
    const word = {
      time: new Date(),
      level: 'error',
      message: 'it failed',
      fields: { error },
    } as const
    const said = JSON.parse(asJson(word)) as { error: Record<string, unknown> }
    assert.equal(said.error.message, 'a shard was not kept')
    assert.equal(said.error.code, 'cannot-write')
    assert.match(String(said.error.stack), /log\.test\.ts/)
    assert.equal((said.error.cause as { code: string }).code, 'EIO')
    assert.match(asWords(word), /it failed {2}error="a shard was not kept"/)
  })

  it('goes on when nobody takes what it says', () => {
    const log = logTo(() => assert.fail('the disk is full'), asJson, 'info')
    log.info('still here')
  })

  it('shows people words, in which nobody else speaks to their terminal', () => {
    const fields = {
      why: '\u001b]0;mine\u0007\u009b2Jgone\nnew line',
      at: '10.0.0.1:7117',
      held: 3,
    }
    const shown = asWords({ time: new Date(), level: 'warn', message: 'refused', fields })
    assert.match(shown, /^\d\d:\d\d:\d\d \S*warn/)
    assert.match(shown, /at=10\.0\.0\.1:7117 {2}held=3$/)
    assert.doesNotMatch(shown.replace(/\u001b\[\d+m/g, ''), /\p{Cc}/u)
  })
})

describe('The file of a log', () => {
  it('is set aside when it is full, and the oldest goes', async () => {
    const path = join(folder, 'full.log')
    using file = new LogFile(path, { bytesMax: 20, keptMax: 2 })
    for (const number of [1, 2, 3, 4, 5, 6, 7]) file.write(`line ${number}, 10\n`.slice(0, 10))
    const read = (name: string) => readFile(join(folder, name), 'utf8')
    const names = (await readdir(folder)).filter((name) => name.startsWith('full.log'))
    assert.deepEqual(names.toSorted(), ['full.log', 'full.log.1', 'full.log.2'])
    assert.match(await read('full.log'), /^line 7/)
    assert.match(await read('full.log.1'), /^line 5.*line 6/)
    assert.match(await read('full.log.2'), /^line 3.*line 4/)
  })

  it('is added to after a restart, and is its user’s alone', async () => {
    const path = join(folder, 'again.log')
    for (const word of ['one\n', 'two\n']) {
      using file = new LogFile(path)
      file.write(word)
    }
    assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('grows on where it cannot be set aside', async () => {
    const path = join(folder, 'stuck.log')
    using file = new LogFile(path, { bytesMax: 4, keptMax: 1 })
    file.write('one\n')
    await mkdir(join(folder, 'stuck.log.1', 'in the way'), { recursive: true })
    file.write('two\n')
    assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
  })

  it('takes nothing after it was closed, and nothing goes elsewhere', async () => {
    const file = new LogFile(join(folder, 'closed.log'))
    file[Symbol.dispose]()
    file[Symbol.dispose]()
    using other = new LogFile(join(folder, 'other.log'))
    assert.throws(() => file.write('late\n')) // Whoever logs swallows it.
    other.write('mine\n')
    assert.equal(await readFile(join(folder, 'other.log'), 'utf8'), 'mine\n')
  })

  it('that cannot be opened says so', () => {
    assert.throws(
      () => new LogFile(join(folder, 'nowhere', 'x.log')),
      (error) => isDreyError(error, 'cannot-write') && /--log/.test(error.message),
    )
  })
})
