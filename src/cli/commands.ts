import { Command } from 'commander'
import { version } from '../daemon/version.ts'
import { fileCommands } from './fileCommands.ts'
import { nameCommands } from './nameCommands.ts'
import { nodeCommands } from './nodeCommands.ts'
import { swarmCommands } from './swarmCommands.ts'

/** Does what a command is for; `args` are those without a dash. */
export type Action = (options: never, signal: AbortSignal, args: string[]) => Promise<void>

/** With what commands are described. */
export interface Describe {
  readonly command: (
    usage: string,
    description: string,
    example: string,
    parent?: Command,
  ) => Command
  /** What has commands of its own, as `name` in "drey name set". */
  readonly group: (name: string, description: string) => Command
  readonly act: (command: Command, action: Action) => void
}

/** Every command, its options and its help. Commands are loaded when they are run. */
export function describeProgram(act: (command: Command, action: Action) => void): Command {
  const program = new Command('drey')
    .description(
      'A decentralized, content-addressable, end-to-end-encrypted store for files of any size.',
    )
    .version(version())
    .option('--data <folder>', 'the node’s data folder (default: $DREY_DATA, else ~/.drey)')
    .option('--json', 'one JSON object on stdout instead of words')
    .option('-q, --quiet', 'say nothing but the result')
    .exitOverride()
    .showHelpAfterError()
    .addHelpText('after', exitCodeHelp)
  const group = (usage: string, description: string, parent = program) =>
    parent.command(usage).description(description).exitOverride()
  const command: Describe['command'] = (usage, description, example, parent) =>
    group(usage, description, parent).addHelpText('after', `\nExample:\n  ${example}\n`)
  const describe: Describe = { command, group, act }
  swarmCommands(describe)
  fileCommands(describe)
  nameCommands(describe)
  nodeCommands(describe)
  act(
    command(
      'completion <shell>',
      'print a script that completes commands: bash, zsh or fish',
      'drey completion bash > ~/.local/share/bash-completion/completions/drey',
    ),
    async (_options, _signal, [shell]) => {
      const { completionFor } = await import('./completion.ts')
      process.stdout.write(`${completionFor(shell!, program)}\n`)
    },
  )
  act(program.command('warm', { hidden: true }), async () => {
    await Promise.all([import('./start.ts'), (await import('../daemon/warm.ts')).warmUp()])
  })
  return program
}

const exitCodeHelp = `
Exit codes:
  0 done    2 bad input    3 not found    4 not enough shards    5 not enough members    6 full
  7 not allowed    8 unreachable or busy    9 corrupt    10 a disk cannot be written    130 interrupted
  1 a mistake of Drey's own`
