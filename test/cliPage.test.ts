import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { describeProgram } from '../src/cli/commands.ts'
import { helpPages } from '../src/cli/pages.ts'

const page = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8')

it('The page of commands is what the commands say of themselves (npm run docs:cli writes it)', () => {
  assert.equal(helpPages(describeProgram(() => {})), page)
})

it('Every command that does something has an example in its help', () => {
  const parts = page.split(/^## /m).slice(2)
  const without = parts.filter((part) => !/^Example:\n {2}\S/m.test(part))
  assert.deepEqual(
    without.map((part) => part.split('\n', 1)[0]).filter((name) => name !== 'drey name'),
    [],
  )
})
