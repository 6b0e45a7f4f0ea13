import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { spreadOver } from '../../bench/mendLook.ts'
import { isDreyError } from '../../src/base/error.ts'
import { seededRandom } from '../../src/base/random.ts'
import { isRunning, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { hasty, missedMs, Promises } from './fire.ts'
import { until } from './networkTown.ts'
import { OwnClock, whyNoClock } from './ownClock.ts'

const { signal } = new AbortController()
const random = seededRandom(47)
const patienceMs = 30_000
const yearDays = 366 // Longer than any member's certificate lasts.

describe('A node whose clock is set forward by a year', { skip: whyNoClock() }, () => {
  const promises = new Promises()
  let town: Town
  let clock: OwnClock
  let odd: Citizen
  let others: Citizen[]
  let spread: Map<string, number>
  let logged = ''
  const log = () => odd.process.stderr!.on('data', (text: string) => (logged += text))
  const isSaid = (what: RegExp) => async () => what.test(logged)

  before(async () => {
    await warmUp()
    town = new Town(await mkdtemp(join(tmpdir(), 'drey-clock-')), hasty)
    clock = await OwnClock.open(join(town.folder, 'clock'))
    others = [await town.add('issuer'), await town.add('reader')]
    odd = await town.add('reader', [], clock.place)
    await town.gathered(signal)
    await put(others[0]!)
    spread = await spreadOver(town.citizens)
    log()
  })
  after(() => town?.[Symbol.asyncDispose]())

  async function put(at: Citizen): Promise<string> {
    const bytes = random.bytes(3_000_000)
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, 'put', '-'], bytes)
    assert.equal(code, 0, stderr)
    promises.add(stdout.toString().trim(), bytes)
    return stderr
  }

  async function nothingIsDeleted(): Promise<void> {
    const now = await spreadOver(town.citizens)
    for (const [block, members] of spread) assert.ok(now.get(block)! >= members, block)
  }

  it('goes on with those it knows, and deletes nothing; and as before when it is set back', async () => {
    await clock.set(yearDays)
    await until(
      isSaid(/its certificate has expired/),
      patienceMs,
      'it finds all certificates expired',
    )
    await rest(missedMs)
    assert.ok(isRunning(odd), `it has ended: ${logged}`)
    for (const citizen of town.citizens) await promises.areKeptAt(citizen)
    await nothingIsDeleted()

    await clock.set(0)
    await rest(missedMs)
    for (const citizen of town.citizens) {
      assert.match(await put(citizen), /synced to disk on 3 of 3 members/)
    }
  })

  it('and that is started then, says why it is alone; and is a member as before when it is set back', async () => {
    await town.kill(odd)
    await clock.set(yearDays)
    const started = town.restart(odd)
    log()
    await started
    await until(
      isSaid(/certificate is not valid: it expired on .*clock says/),
      patienceMs,
      'it says why',
    )
    await assert.rejects(promises.areKeptAt(odd), (error) => {
      return isDreyError(error, 'not-found') || isDreyError(error, 'not-enough-shards')
    })
    for (const citizen of others) await promises.areKeptAt(citizen)
    await nothingIsDeleted()

    await clock.set(0)
    await town.gathered(signal)
    for (const citizen of town.citizens) await promises.areKeptAt(citizen)
  })
})
