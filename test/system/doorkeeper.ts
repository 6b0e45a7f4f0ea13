import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryLog, type LogLine } from '../../src/base/log.ts'
import type { Identity } from '../../src/transport/identity.ts'
import { listenTls } from '../../src/transport/tlsTransporter.ts'

/** What the process of a node at the door of its swarm tells of itself. */
export interface Sight {
  readonly address: string
  readonly sockets: number
  readonly privateBytes: number
  /** What the log has said since the last look. */
  readonly lines: readonly LogLine[]
}

/** A process of its own: a node, begun by its identity as the first message; each further one is a look. */
async function keepDoor(identity: Identity): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const lines: LogLine[] = []
  const log = memoryLog(lines)
  const { address } = await listenTls({ identity, log, host: '127.0.0.1', port: 0 })
  const look = (): Sight => {
    const said = lines.splice(0)
    collectGarbage()
    const match = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
    const sockets = readdirSync('/proc/self/fd').length
    return { address, sockets, privateBytes: Number(match![1]) * 1024, lines: said }
  }
  process.on('message', () => process.send!(look()))
  process.send!(look())
}

process.once('message', (identity: Identity) => void keepDoor(identity))
