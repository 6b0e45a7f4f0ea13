import { readFileSync } from 'node:fs'
import { Command } from 'commander'

/** Does what a command is for; `args` are those without a dash. */
export type Action = (options: never, signal: AbortSignal, args: string[]) => Promise<void>

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
  const command = (usage: string, description: string, example: string) =>
    program
      .command(usage)
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExample:\n  ${example}\n`)

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
    command('start', 'run the node until Ctrl-C or SIGTERM', 'drey start --peer 192.168.1.20:7117')
      .option('--listen <host:port>', 'in place of the config file’s')
      .option('--peer <host:port...>', 'in place of the config file’s')
      .option(
        '--threads <count>',
        'threads that hash, seal and code, 15 MB each (default: 0, the main one does it)',
      )
      .option('--code <data+parity>', 'a code instead of the swarm’s policy, e.g. 4+2')
      .option(
        '--relay [bytes/s]',
        'carry sealed connections for members who cannot reach each other (default: 4MiB)',
      )
      .option('--no-lan', 'do not look for members on the local network (multicast DNS)')
      .option('--no-dht', 'take no part in the swarm’s DHT')
      .option('--no-router', 'do not ask the router for a port (UPnP, NAT-PMP)')
      .option('--log-level <level>', 'debug, info, warn or error', 'info')
      .option('--unsafe-no-sync', 'for benchmarks: acknowledge before the disk has it'),
    async (options, signal) => (await import('./start.ts')).startCommand(options, signal),
  )
  act(
    command(
      'put <file>',
      'store a file, or stdin with "-"; prints its address',
      'drey put film.mkv',
    )
      .option('--link', 'print the link: whoever has it can read')
      .option('--hash <name>', 'blake3, sha2-256 or sha1 (default: blake3)')
      .option('--code <data+parity>', 'a code instead of the swarm’s policy, e.g. 4+2')
      .option('--expires <time>', 'how long it is kept, e.g. 30d (default: until it is removed)')
      .option('--name <name>', 'what drey list calls it (default: the file’s name)'),
    async (options, signal, [file]) =>
      (await import('./put.ts')).putCommand(file!, options, signal),
  )
  act(
    command('get <address>', 'fetch a blob by its address or link', 'drey get bafyr4i… -o film.mkv')
      .option(
        '-o, --output <file>',
        'where to (default: stdout); the name appears when all is there',
      )
      .option('--range <a-b>', 'only these bytes, both ends included: 0-99, 100-, -50'),
    async (options, signal, [address]) =>
      (await import('./get.ts')).getCommand(address!, options, signal),
  )
  act(
    command(
      'list',
      'what was stored or kept from this node, the latest first',
      'drey list --sort size',
    )
      .option('--search <text>', 'only those with this in their name or address')
      .option('--sort <order>', 'time, size or name', 'time')
      .option('--limit <count>', 'how many at most', '1000'),
    async (options, signal) => (await import('./list.ts')).listCommand(options, signal),
  )
  act(
    command('rm <address>', 'say that you want a blob no more: its shards go', 'drey rm bafyr4i…'),
    async (options, signal, [address]) =>
      (await import('./remove.ts')).removeCommand(address!, options, signal),
  )
  act(
    command(
      'keep <address>',
      'say that you want what another stored: it stays until you remove it too',
      'drey keep bafyr4i…',
    )
      .option('--expires <time>', 'how long, e.g. 30d (default: until it is removed)')
      .option('--name <name>', 'what drey list calls it'),
    async (options, signal, [address]) =>
      (await import('./keep.ts')).keepCommand(address!, options, signal),
  )
  act(
    command(
      'gc',
      'remove from this node what nobody wants any more, and say what is left',
      'drey gc --dry-run',
    )
      .option('--dry-run', 'only say what would go')
      .option('--adopted', 'let go, after the grace time, what was never leased by anybody'),
    async (options, signal) => (await import('./garbage.ts')).garbageCommand(options, signal),
  )
  act(
    command(
      'find <address>',
      'who holds shards of this block, and which way they were found',
      'drey find bafyr4i…',
    ),
    async (options, signal, [address]) =>
      (await import('./find.ts')).findCommand(address!, options, signal),
  )
  act(
    command(
      'check [address]',
      'how many losses a blob survives now, or all blobs; it fails when some survive too few',
      'drey check bafyr4i… --deep',
    ).option('--deep', 'fetch every shard and check it, not just ask who has it'),
    async (options, signal, [address]) =>
      (await import('./check.ts')).checkCommand(address, options, signal),
  )
  act(
    command(
      'plan',
      'what a change of the swarm would move, for how long, and what survives meanwhile',
      'drey plan --without old-laptop',
    )
      .option('--without <member...>', 'members that would leave, by name or id')
      .option('--sudden', 'they would be gone without handing anything over')
      .option('--capacity <size>', 'what this node would offer instead')
      .option('--code <data+parity>', 'what everything would be coded in instead'),
    async (options, signal) => (await import('./plan.ts')).planCommand(options, signal),
  )
  act(
    command(
      'scrub',
      'how far this node is with reading all it holds; it fails when --now finds rot',
      'drey scrub --now',
    ).option('--now', 'read everything now, at full speed'),
    async (options, signal) => (await import('./scrub.ts')).scrubCommand(options, signal),
  )
  act(
    command(
      'publish [address]',
      'announce a blob in the swarm’s DHT, so that nodes far away find it',
      'drey publish bafyr4i…',
    ).option('--list', 'what is published at this node'),
    async (options, signal, [address]) =>
      (await import('./publish.ts')).publishCommand(address, options, signal),
  )
  act(
    command('unpublish <address>', 'announce it no more', 'drey unpublish bafyr4i…'),
    async (options, signal, [address]) =>
      (await import('./publish.ts')).unpublishCommand(address!, options, signal),
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
  act(
    command(
      'demo',
      'a swarm of real processes stores a file, loses nodes, and gives it back',
      'drey demo --size 256MiB',
    )
      .option('--size <size>', 'how much to store', '1GiB')
      .option('--file <path>', 'a file to store instead')
      .option('--nodes <count>', 'how many nodes', '6')
      .option('--kill <count>', 'how many of them are killed', '2'),
    async (options, signal) => (await import('./demo.ts')).demoCommand(options, signal),
  )
  act(
    command('bench', 'what this machine and its disk can do for a node', 'drey bench --size 1GiB')
      .option('--size <size>', 'how much to push through each part', '256MiB')
      .option('--threads <count>', 'threads that hash, seal and code', '0'),
    async (options, signal) => (await import('./bench.ts')).benchCommand(options, signal),
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

function version(): string {
  // Two folders up, from src/cli and from dist/cli alike.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
