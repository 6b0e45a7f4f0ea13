import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DreyError, isDreyError, type ErrorCode } from '../base/error.ts'
import { errorBody, errorFrom, errorReply, statuses } from './errors.ts'

const codes = Object.keys(statuses) as ErrorCode[]

describe('A failure', () => {
  for (const code of codes) {
    it(`called "${code}" has a status of HTTP, and is the same behind the door`, () => {
      const { status } = errorReply(new DreyError(code, 'a sentence'))
      assert.ok(status >= 400 && status < 600)
      const text = JSON.stringify(errorBody(new DreyError(code, 'a sentence')))
      const told = errorFrom(JSON.parse(text) as ReturnType<typeof errorBody>)
      assert.ok(isDreyError(told, code))
      assert.equal(told.message, 'a sentence')
    })
  }

  it('that is a mistake of Drey’s own stays one, with its message', () => {
    const mistake = new TypeError('x is not a function')
    assert.equal(errorReply(mistake).status, 500)
    const told = errorFrom(errorBody(mistake))
    assert.ok(!isDreyError(told))
    assert.equal(told.message, mistake.message)
  })
})
