import type { Describe } from './commands.ts'

/** What concerns the swarm and who belongs to it. */
export function swarmCommands({ command, act }: Describe): void {
  act(
    command('init', 'found a swarm, or make another node of one', 'drey init && drey start')
      .option('--with <folder>', 'become a node of the swarm whose issuer’s data folder this is')
      .option(
        '--role <role>',
        'with --with: storage, reader (the default), or issuer: a reader that may invite',
      )
      .option('--name <name>', 'what people call this machine (default: its host name)')
      .option('--listen <host:port>', 'where members reach it (default: 0.0.0.0:7117), or none')
      .option('--peer <host:port...>', 'members to connect to')
      .option(
        '--capacity <size>',
        'bytes offered to the swarm, e.g. 200GB (default: the disk’s size)',
      )
      .option('--zone <name>', 'house, rack or site: shards of a block are spread over zones'),
    async (options) => (await import('./init.ts')).initCommand(options),
  )
  act(
    command(
      'invite',
      'let another machine join: prints a token for it (issuers only)',
      'drey invite --role reader',
    )
      .option('--role <role>', 'storage, reader, or issuer: a reader that may invite', 'storage')
      .option('--zone <name>', 'house, rack or site of whoever joins')
      .option('--uses <count>', 'how many machines may join with it (default: 1)')
      .option('--expires <time>', 'how long it is good, e.g. 30m or 7d (default: 24h)')
      .option(
        '--address <host:port...>',
        'where this node is reached (default: as far as it knows)',
      )
      .option('--list', 'show the invitations, without their tokens')
      .option('--withdraw <id>', 'take one back'),
    async (options, signal) => (await import('./invite.ts')).inviteCommand(options, signal),
  )
  act(
    command(
      'join <token>',
      'become a member of the swarm that has invited you',
      'drey join drey-join:pGFh…',
    )
      .option('--name <name>', 'what people call this machine (default: its host name)')
      .option('--listen <host:port>', 'where members reach it (default: 0.0.0.0:7117), or none')
      .option('--capacity <size>', 'bytes offered to the swarm (default: the disk’s size)')
      .option('--zone <name>', 'house, rack or site (default: as invited)'),
    async (options, signal, [token]) =>
      (await import('./join.ts')).joinCommand(token!, options, signal),
  )
  act(
    command(
      'recover [member]',
      'bring back the list of what a member stored whose machine is lost',
      'drey join drey-join:pGFh… && drey recover',
    )
      .option('--list', 'only show whose lists are known')
      .option('--force', 'take over that of a member that is here, too'),
    async (options, signal, [who]) =>
      (await import('./recover.ts')).recoverCommand(who, options, signal),
  )
  act(
    command('status', 'this node, its members, and its space', 'drey status --json'),
    async (options, signal) => (await import('./status.ts')).statusCommand(options, signal),
  )
  act(
    command('members', 'everyone who belongs to the swarm, here or away', 'drey members'),
    async (options, signal) => (await import('./members.ts')).membersCommand(options, signal),
  )
  act(
    command(
      'evict <member>',
      'end a membership for good, by name or id (issuers only)',
      'drey evict old-laptop',
    ).option('--dry-run', 'say what would have to be made anew, and do nothing'),
    async (options, signal, [who]) =>
      (await import('./members.ts')).evictCommand(who!, options, signal),
  )
  act(
    command('leave', 'hand this node’s shards to others, leave the swarm, and stop', 'drey leave')
      .option('--now', 'without handing anything over: what only this node holds is lost')
      .option('--dry-run', 'say what would move, and do nothing'),
    async (options, signal) => (await import('./leave.ts')).leaveCommand(options, signal),
  )
}
