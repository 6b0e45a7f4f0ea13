import type { Describe } from './commands.ts'

/** What concerns what is stored. */
export function fileCommands({ command, act }: Describe): void {
  act(
    command(
      'put <path>',
      'store a file, a folder, or stdin with "-"; prints its address',
      'drey put film.mkv',
    )
      .option('--link', 'print the link: whoever has it can read')
      .option('--hash <name>', 'blake3, sha2-256 or sha1 (default: blake3)')
      .option('--code <data+parity>', 'a code instead of the swarm’s policy, e.g. 4+2')
      .option('--expires <time>', 'how long it is kept, e.g. 30d (default: until it is removed)')
      .option('--name <name>', 'what drey list calls it (default: the file’s name)')
      .option(
        '--exclude <pattern...>',
        'of a folder: leave out what matches, e.g. "*.tmp" "build/"',
      )
      .option('--no-hidden', 'of a folder: leave out what begins with a dot')
      .option(
        '--no-cache',
        'of a folder: read everything, also what has not changed since last time',
      ),
    async (options, signal, [path]) =>
      (await import('./put.ts')).putCommand(path!, options, signal),
  )
  act(
    command(
      'get <address>',
      'fetch a file or a folder by its address or link, or what is below it: ADDRESS/path',
      'drey get bafyr4i… -o film.mkv',
    )
      .option(
        '-o, --output <path>',
        'where to (default: stdout); the name appears when all is there',
      )
      .option('--range <a-b>', 'only these bytes, both ends included: 0-99, 100-, -50')
      .option('--raw', 'a folder’s listing as it is stored, not what is in it')
      .option(
        '--set-id',
        'of a folder: let files run as their owner or group, as they were stored',
      ),
    async (options, signal, [address]) =>
      (await import('./get.ts')).getCommand(address!, options, signal),
  )
  act(
    command(
      'ls <address>',
      'what is in a folder, or below it: ADDRESS/path',
      'drey ls bafyr4i…/src',
    ).option('-l, --long', 'with mode, size, time and address'),
    async (options, signal, [address]) =>
      (await import('./ls.ts')).lsCommand(address!, options, signal),
  )
  act(
    command('tree <address>', 'everything below a folder', 'drey tree bafyr4i…').option(
      '-l, --long',
      'with mode, size, time and address',
    ),
    async (options, signal, [address]) =>
      (await import('./ls.ts')).treeCommand(address!, options, signal),
  )
  act(
    command('cat <address>', 'a file on stdout', 'drey cat bafyr4i…/README.md'),
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
    command(
      'share <address>',
      'print the link to a blob or folder, or to what is in one, and what it reveals',
      'drey share photos/2026',
    ),
    async (options, signal, [address]) =>
      (await import('./share.ts')).shareCommand(address!, options, signal),
  )
  act(
    command(
      'export <address>',
      'write a blob’s sealed blocks, or a folder’s with all below it, as a CAR',
      'drey export bafyr4i… > film.car',
    ).option('-o, --output <file>', 'where to (default: stdout)'),
    async (options, signal, [address]) =>
      (await import('./car.ts')).exportCommand(address!, options, signal),
  )
  act(
    command(
      'import <file>',
      'store the sealed blocks of a CAR, or of stdin with "-"; prints the address',
      'drey import film.car',
    )
      .option('--expires <time>', 'how long it is kept, e.g. 30d (default: until it is removed)')
      .option('--name <name>', 'what drey list calls it'),
    async (options, signal, [file]) =>
      (await import('./car.ts')).importCommand(file!, options, signal),
  )
}
