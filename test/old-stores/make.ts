// Makes the data folders that this version leaves behind: an owner's, and a holder's of the same swarm; once for each
// version that changes what is in one, and never again:
//
//   node test/old-stores/make.ts 0.2
//
// What is in them is for tests alone: their keys are public.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../src/base/random.ts'
import { Town } from '../../src/cli/town.ts'
import { readConfig, writeConfig } from '../../src/daemon/config.ts'
import { DataFolder } from '../../src/daemon/folder.ts'
import { drey } from '../system/drey.ts'
import type { Promised } from './promised.ts'

const [version = ''] = process.argv.slice(2)
assert.match(version, /^\d+\.\d+(-\w+)?$/, 'which version? As in: node test/old-stores/make.ts 0.2')
const home = join(import.meta.dirname, version)
const data = join(home, 'data')
const holder = join(home, 'holder')
const random = seededRandom(101)

async function run(args: readonly string[], input?: Uint8Array): Promise<string> {
  const { code, stdout, stderr } = await drey(['--data', data, ...args], input)
  assert.equal(code, 0, stderr)
  return stdout.toString().trim()
}

async function put(size: number, options: readonly string[] = []): Promise<Promised['blobs'][0]> {
  const bytes = random.bytes(size)
  const said = await run(['--json', 'put', '-', ...options], bytes)
  const { address, link } = JSON.parse(said) as { address: string; link: string }
  return { address, link, size, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Two files and a symbolic link in a folder in a folder. */
async function putFolder(): Promise<Promised['folder']> {
  const tree = await mkdtemp(join(tmpdir(), 'drey-tree-'))
  await mkdir(join(tree, 'in'))
  await writeFile(join(tree, 'in', 'acorn.txt'), 'an acorn')
  await writeFile(join(tree, 'nothing'), '')
  const address = await run(['put', tree, '--name', 'tree'])
  await rm(tree, { recursive: true })
  return { address, path: 'in/acorn.txt', text: 'an acorn' }
}

/** Makes the holder, starts it, and has the owner find it. */
async function startHolder() {
  const its = ['--role', 'storage', '--name', 'holder', '--listen', 'none', '--capacity', '1GiB']
  const made = await drey(['--data', holder, 'init', '--with', data, ...its])
  assert.equal(made.code, 0, made.stderr)
  const alone = ['--no-lan', '--no-dht', '--no-router', '--listen', '127.0.0.1:0']
  const citizen = await town.settle('holder', 'storage', new DataFolder(holder), alone)
  await setPeers([citizen.address])
  return citizen.process
}

async function setPeers(peers: readonly string[]): Promise<void> {
  const folder = new DataFolder(data)
  await writeConfig(folder, { ...(await readConfig(folder)), peers })
}

await mkdir(home)
await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-town-')))
await run(['init', '--name', 'old', '--listen', 'none', '--capacity', '1GiB'])
const node = await startHolder()
const blobs = [
  await put(0, ['--name', 'nothing']),
  await put(1_000, ['--name', 'small']),
  await put(70_000, ['--name', 'a segment', '--hash', 'sha2-256']),
]
const folder = await putFolder()
await run(['name', 'set', 'tree', folder.address])
await run(['name', 'set', 'small', blobs[1]!.link])
node.kill('SIGTERM')
await once(node, 'exit')
await setPeers([])
const promised: Promised = {
  blobs,
  folder,
  names: { tree: folder.address, small: blobs[1]!.address },
}
await writeFile(join(home, 'promised.json'), `${JSON.stringify(promised, null, 2)}\n`)
