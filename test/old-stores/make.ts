// Makes the data folder that this version leaves behind; once for each version that changes what is in one:
//
//   node test/old-stores/make.ts 0.1
//
// What is in it is for tests alone: its keys are public.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../src/base/random.ts'
import { drey } from '../system/drey.ts'
import type { Promised } from './promised.ts'

const [version = ''] = process.argv.slice(2)
assert.match(version, /^\d+\.\d+$/, 'which version? As in: node test/old-stores/make.ts 0.1')
const home = join(import.meta.dirname, version)
const data = join(home, 'data')
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

await mkdir(home)
await run(['init', '--name', 'old', '--listen', 'none', '--capacity', '1GiB'])
const blobs = [
  await put(0, ['--name', 'nothing']),
  await put(1_000, ['--name', 'small']),
  await put(150_000, ['--name', 'a segment', '--hash', 'sha2-256']),
]
const folder = await putFolder()
await run(['name', 'set', 'tree', folder.address])
await run(['name', 'set', 'small', blobs[1]!.link])
await rm(join(data, 'leases.db-wal'), { force: true }) // All of it is in the database, and the rest chance.
const promised: Promised = {
  blobs,
  folder,
  names: { tree: folder.address, small: blobs[1]!.address },
}
await writeFile(join(home, 'promised.json'), `${JSON.stringify(promised, null, 2)}\n`)
