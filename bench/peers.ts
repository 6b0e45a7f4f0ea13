import { mkdtemp, readFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/base/random.ts'
import { statusOf, Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { readAuthority } from '../src/daemon/authority.ts'
import { Membership } from '../src/discovery/membership.ts'
import { serve } from '../src/node/serve.ts'
import { issue, type Authority } from '../src/transport/authority.ts'
import { createKey, makeIdentity } from '../src/transport/identity.ts'
import { CertificateNotary } from '../src/transport/notary.ts'
import { listenTls } from '../src/transport/tlsTransporter.ts'
import { printTable } from './table.ts'

const bytesMax = 50e6
const settleMs = 20_000
const never = new AbortController().signal

/**
 * Private memory of a node that 50 members (or as many as told) are connected to. The members live in the bench's own
 * process; the node is a real one. Where this machine has no network but its own (`unshare -rn`), it
 * listens everywhere, and looks for members by multicast DNS as well. Fails above 50 MB.
 */
export async function run(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 50)
  await warmUp()
  const isAlone = Object.keys(networkInterfaces()).every((name) => name === 'lo')
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-bench-')))
  const node = await town.add('issuer', isAlone ? ['--listen', '0.0.0.0:0', '--no-router'] : [])
  await rest(settleMs / 4)
  const rows = [['', 'private MB', 'peak', 'connected']]
  rows.push(await look('alone', node, town))
  const authority = (await readAuthority(node.folder))!
  const authorityPem = await readFile(node.folder.authority, 'utf8')
  await using crowd = new AsyncDisposableStack()
  for (let at = 0; at < count; at++) crowd.use(await settle(node, authority, authorityPem, at))
  await rest(settleMs)
  rows.push(await look(`with ${count} members`, node, town))
  if (node.peak.privateBytes > bytesMax) process.exitCode = 1
  printTable('Private memory of a node (RssAnon)', rows, [
    isAlone ? 'mDNS on' : 'mDNS off: it is measured under unshare -rn sh -c "ip link set lo up; …"',
  ])
}

/** A member with a certificate, a roster and a connection, that stores nothing. */
async function settle(
  node: Citizen,
  authority: Authority,
  authorityPem: string,
  at: number,
): Promise<AsyncDisposable> {
  const { keyPem, publicKeyPem } = createKey()
  const certificatePem = await issue(authority, publicKeyPem, { role: 'storage' })
  const identity = makeIdentity({ keyPem, certificatePem, authorityPem })
  const common = { clock: systemClock, log: silentLog, random: systemRandom }
  const transporter = await listenTls({ ...common, identity, host: '127.0.0.1', port: 0 })
  const membership = new Membership(
    { ...common, transporter, notary: new CertificateNotary(identity, systemClock) },
    {
      ...{ name: `member-${at}`, zone: '', addresses: [transporter.address], relays: [] },
      ...{ offersRelay: false, capacity: 0, free: 0, stage: 'here' },
    },
    { peersMax: 4 }, // They know each other, and speak with the node alone.
  )
  transporter.serve(serve({ compare: (peer, request) => membership.answer(peer, request) }))
  transporter.keepConnected(node.address)
  return {
    async [Symbol.asyncDispose]() {
      await membership[Symbol.asyncDispose]()
      await transporter.close()
    },
  }
}

async function look(what: string, node: Citizen, town: Town): Promise<string[]> {
  await town.sample()
  const status = await readFile(`/proc/${node.process.pid}/status`, 'utf8')
  const now = Number(/RssAnon:\s+(\d+)/.exec(status)![1]) * 1024
  const { members } = await statusOf(node, never)
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1)
  return [what, mb(now), mb(node.peak.privateBytes), String(members.length)]
}
