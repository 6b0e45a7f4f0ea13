import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const typedoc = 'node_modules/typedoc/bin/typedoc'

describe('What the library exports', () => {
  it('is described, all of it, and no link leads nowhere', () => {
    const args = [typedoc, '--emit', 'none', '--logLevel', 'Warn']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root })

    assert.equal(`${stdout}${stderr}`, '')
    assert.equal(status, 0)
  })
})
