import type { Describe } from './commands.ts'

/** `drey name` and what belongs to it. */
export function nameCommands({ command: describe, group, act }: Describe): void {
  const name = group('name', 'names that every reader of the swarm can set and use for an address')
  const command = (usage: string, description: string, example: string) =>
    describe(usage, description, example, name)

  act(
    command(
      'set <name> <address>',
      'say what a name means from now on: an address, a link, or another name',
      'drey name set photos bafyr4i… && drey get photos -o photos.tar',
    )
      .option('--keep', 'lease it as well, so that it stays: as drey keep does')
      .option('--expires <time>', 'with --keep: how long, e.g. 30d'),
    async (options, signal, args) =>
      (await import('./name.ts')).setNameCommand(args, options, signal),
  )
  act(command('list', 'all names, and what they mean', 'drey name list'), async (options, signal) =>
    (await import('./name.ts')).listNamesCommand(options, signal),
  )
  act(
    command(
      'log <name>',
      'what a name has meant, since when, and who set it',
      'drey name log photos',
    ),
    async (options, signal, [text]) =>
      (await import('./name.ts')).logNameCommand(text!, options, signal),
  )
  act(
    command(
      'revert <name> [version]',
      'set it to what it meant before, or in a version that drey name log shows',
      'drey name revert photos 3',
    ),
    async (options, signal, args) =>
      (await import('./name.ts')).revertNameCommand(args, options, signal),
  )
  act(
    command('rm <name>', 'let a name mean nothing any more', 'drey name rm photos'),
    async (options, signal, [text]) =>
      (await import('./name.ts')).removeNameCommand(text!, options, signal),
  )
}
