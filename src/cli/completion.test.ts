import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { describeProgram } from './commands.ts'
import { completionFor, shells } from './completion.ts'

const program = () => describeProgram(() => {})

/** What bash offers behind these words. */
function offered(...words: string[]): string[] {
  const given = ['drey', ...words].map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(${given}); COMP_CWORD=${words.length}; _drey; printf '%s\\n' "\${COMPREPLY[@]}"`
  const script = `${completionFor('bash', program())}\n${ask}`
  return execFileSync('bash', ['-c', script]).toString().trim().split('\n')
}

describe('Completion', () => {
  it('offers commands, commands of commands, and options', () => {
    assert.deepEqual(offered('pu').toSorted(), ['publish', 'put'])
    assert.deepEqual(offered('name', 're'), ['revert'])
    assert.ok(offered('--data', '/x', 'put', '--').includes('--exclude'))
    assert.ok(offered('put', '--').includes('--json'))
    assert.ok(!offered('ge').includes('warm'))
  })

  it('is there for every shell that it names, and for no other', () => {
    for (const shell of shells) {
      const script = completionFor(shell, program())
      assert.match(script, /drey/)
      assert.doesNotMatch(script, /undefined/)
    }
    assert.throws(() => completionFor('csh', program()), { code: 'bad-input' })
  })

  it('is a script that its shell can read', (context) => {
    for (const shell of shells) {
      const check = shell === 'fish' ? ['--no-execute'] : ['-n']
      try {
        execFileSync(shell, check, { input: completionFor(shell, program()) })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        context.diagnostic(`${shell} is not here`)
      }
    }
  })
})
