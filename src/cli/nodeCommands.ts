import type { Describe } from './commands.ts'

/** What concerns one node. */
export function nodeCommands({ command, act }: Describe): void {
  act(
    command('start', 'run the node until Ctrl-C or SIGTERM', 'drey start --peer 192.168.1.20:7117')
      .option('--listen <host:port>', 'in place of the config file’s')
      .option('--peer <host:port...>', 'in place of the config file’s')
      .option('--http <host:port>', 'where HTTP is answered, in place of the config file’s')
      .option('--no-http', 'answer no HTTP')
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
      .option('--no-catalog', 'do not keep the list of what this node stored in the swarm')
      .option('--log <file>', 'where the log goes instead of standard error; set aside at 10 MiB')
      .option('--log-level <level>', 'debug, info, warn or error (default: info)')
      .option('--unsafe-no-sync', 'for benchmarks: acknowledge before the disk has it'),
    async (options, signal) => (await import('./start.ts')).startCommand(options, signal),
  )
  act(
    command(
      'http-token',
      'print the token that opens this node’s HTTP door',
      'curl -H "Authorization: Bearer $(drey http-token)" http://127.0.0.1:7480/name/notes',
    ),
    async (options) => (await import('./httpToken.ts')).httpTokenCommand(options),
  )
  act(
    command(
      'doctor',
      'look at this node, its disk, its swarm and its clock, and say what to do about what is wrong',
      'drey doctor',
    ),
    async (options, signal) => (await import('./doctor.ts')).doctorCommand(options, signal),
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
      'scrub',
      'how far this node is with reading all it holds; it fails when --now finds rot',
      'drey scrub --now',
    ).option('--now', 'read everything now, at full speed'),
    async (options, signal) => (await import('./scrub.ts')).scrubCommand(options, signal),
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
}
