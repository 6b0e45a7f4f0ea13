import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Town, warmUp } from '../../src/cli/town.ts'
import { Network, whyNoNetwork } from './network.ts'

const { signal } = new AbortController()
/** Somewhere nobody is, in place of the founder's address, which the config has. */
const options = ['--no-router', '--no-dht', '--peer', '10.77.0.250:1']

describe('Nodes of a swarm on one network', { skip: await whyNoNetwork() }, () => {
  it('find each other though nobody has typed an address', async () => {
    await warmUp()
    await using network = await Network.open()
    await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-lan-')))
    for (const name of ['anna', 'ben', 'cleo']) {
      const { command } = await network.host(name)
      await town.add('reader', options, { command, listen: '0.0.0.0:7117' })
    }
    await town.gathered(signal)
  })
})
