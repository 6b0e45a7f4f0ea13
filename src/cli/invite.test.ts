import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { parseDuration } from './duration.ts'
import { drawCode } from './invite.ts'

describe('Time that people write', () => {
  it('is read in seconds, minutes, hours and days', () => {
    const read = ['90s', '30m', '24 h', ' 7d '].map(parseDuration)
    assert.deepEqual(read, [90_000, 1_800_000, 86_400_000, 604_800_000])
  })

  it('that is none is refused, with how to write it', () => {
    for (const text of ['', '24', '1.5h', 'tomorrow', '-1h', '1w']) {
      assert.throws(
        () => parseDuration(text),
        (error) => {
          return isDreyError(error, 'bad-input') && /30m, 24h or 7d/.test(error.message)
        },
      )
    }
  })
})

describe('The code of a token', () => {
  it('is drawn dark on light, in lines of one length, when the terminal is wide enough', async () => {
    const token = `drey-join:${'x'.repeat(180)}`
    const drawn = await drawCode(token, 80)
    const rows = drawn!
      .split('\n')
      .map((row) => /^\u001b\[38;5;231;48;5;16m(.+)\u001b\[0m$/.exec(row)![1]!)
    assert.deepEqual(new Set(rows.map((row) => row.length)), new Set([rows[0]!.length]))
    assert.match(rows.join(''), /^[ █▀▄]+$/)
    assert.equal(await drawCode(token, 40), undefined)
  })
})
