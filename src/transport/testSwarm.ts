import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createAuthority, issue, type Authority } from './authority.ts'
import { createKey, makeIdentity, type Identity } from './identity.ts'
import type { Role } from './transporter.ts'

/** A swarm for tests, whose members are made as they are needed. */
export async function testSwarm(name = 'test'): Promise<{
  readonly authority: Authority
  member(options?: { role?: Role; days?: number; trusting?: Authority }): Promise<Identity>
}> {
  const authority = await createAuthority(name)
  return {
    authority,
    async member({ role = 'storage', days = 10, trusting = authority } = {}) {
      const { keyPem, publicKeyPem } = createKey()
      const certificatePem = await issue(authority, publicKeyPem, { role, days })
      return makeIdentity({ keyPem, certificatePem, authorityPem: trusting.certificatePem })
    },
  }
}

/** The two ends of a TCP connection. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const here = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    noDelay: true,
  })
  const [there] = (await once(server, 'connection')) as [Socket]
  server.close()
  return [here, there]
}
