import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { openNode, type Drey } from '../../src/index.ts'
import { codeOf, commentedCode } from './fences.ts'
import { installDrey, root, run, type Installed } from './installed.ts'

const plain = `
  import { openNode, isDreyError } from 'drey'
  await using node = await openNode({ data: 'plain', create: true, listen: 'none', without: ['lan', 'dht'] })
  const { address } = await node.put('an acorn')
  console.log(await node.get(address).text(), isDreyError(new Error()))`
const typed = `
  import { connect, type Drey, type PutReply } from 'drey'
  export async function store(folder: string): Promise<PutReply> {
    await using node: Drey = await connect(folder)
    return await node.put(new Blob(['an acorn']).stream(), { code: '4+2', signal: AbortSignal.timeout(9) })
  }
  // @ts-expect-error Neither bytes nor text nor a stream.
  export const wrong = (node: Drey) => node.put(42)`
const settings = {
  compilerOptions: {
    ...{ target: 'esnext', module: 'nodenext', moduleResolution: 'nodenext', types: ['node'] },
    ...{ strict: true, noEmit: true, exactOptionalPropertyTypes: true },
  },
  include: ['*.ts'],
}

const home = mkdtempSync(join(tmpdir(), 'drey-package-'))
let installed: Installed
before(() => {
  installed = installDrey(home)
  const { folder } = installed
  cpSync(join(folder, 'node_modules/drey/examples'), folder, { recursive: true })
  const files = {
    'plain.js': plain,
    'typed.ts': typed,
    'guide.ts': codeOf('docs/library.md'),
    'readme.ts': codeOf('README.md'),
    'comments.ts': commentedCode(),
    'tsconfig.json': JSON.stringify(settings),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
})
after(() => rmSync(home, { recursive: true }))

/** Runs a program of the project with Node. */
const program = (...args: string[]) => run(process.execPath, args, { cwd: installed.folder })

describe('The package', () => {
  it('has all that is run and read, and nothing that only tests need', () => {
    const { files } = installed
    const wanted = ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'dist/pipe/worker.js']
    const more = ['dist/coding/kernel.wasm', 'docs/library.md', 'examples/backup.ts', 'LICENSE']

    for (const file of [...wanted, ...more]) assert.ok(files.includes(file), file)
    const tests = /^(src|test|bench|scripts|docs\/api)\/|[.]test[.](js|d[.]ts)$|[Ss]uite|[Ff]ixture/
    assert.deepEqual(
      files.filter((file) => tests.test(file)),
      [],
    )
  })

  it('is imported by a program in JavaScript, which puts and gets', () => {
    assert.equal(program('plain.js'), 'an acorn false\n')
  })

  it('has types that hold, in strict programs, in its guide and in its own comments', () => {
    program(join(root, 'node_modules/typescript/bin/tsc'))
  })

  it('has the command', () => {
    assert.match(program('node_modules/drey/dist/cli/main.js', '--version'), /^\d+\.\d+\.\d+\n$/)
  })
})

describe('What the pages show of the library', () => {
  it('is a program that runs, from the top of docs/library.md to the bottom', () => {
    assert.match(program('guide.ts'), /any \d members may vanish; 0 blocks are lost/)
  })

  it('is a program that runs in the README', () => {
    assert.match(program('readme.ts'), /survives the loss/)
  })
})

describe('The examples', () => {
  let node: Drey
  let data: string
  before(async () => {
    data = join(home, 'node')
    const quiet = { listen: 'none', without: ['lan', 'dht', 'router'] } as const
    node = await openNode({ ...quiet, data, create: true })
  })
  after(() => node[Symbol.asyncDispose]())

  it('back up a folder, again and again, and all of it comes back', async () => {
    const folder = join(home, 'project/docs')
    cpSync(join(root, 'docs/decisions'), folder, { recursive: true })
    const backUp = () => finished(['backup.ts', data, folder, 'pages'])

    assert.match(await backUp(), /pages is b/)
    await writeFile(join(folder, 'new.md'), 'a new page')
    await backUp()

    await node.getFolder('pages', join(home, 'back'))
    assert.equal(await readFile(join(home, 'back/new.md'), 'utf8'), 'a new page')
    assert.equal((await node.names.log('pages')).length, 2)
  })

  it('serve a film over HTTP, and any range of it', async () => {
    const film = seededRandom(8).bytes(3_000_000)
    const { address } = await node.put(film)
    await using server = await serve(['video.ts', data, address, '0'])
    const get = (range: string) => fetch(server.url, { headers: { range } })

    const whole = await fetch(server.url)
    assert.deepEqual([whole.status, await whole.bytes()], [200, film])
    const part = await get('bytes=1048570-1048579')
    assert.equal(part.headers.get('content-range'), 'bytes 1048570-1048579/3000000')
    assert.deepEqual([part.status, await part.bytes()], [206, film.slice(1_048_570, 1_048_580)])
    assert.deepEqual(await (await get('bytes=2999990-')).bytes(), film.slice(2_999_990))
    assert.equal((await get('bytes=3000000-')).status, 416)
  })

  it('have a swarm in a test', () => {
    assert.match(program('--test', 'swarm.test.ts'), /pass 1/)
  })
})

/** Starts a program that says where it listens, and ends it in the end. */
async function serve(args: readonly string[]): Promise<AsyncDisposable & { url: string }> {
  const { child, stdout, ended } = start(args)
  const failed = ended.then(() => assert.fail('it has ended before it listened'))
  const [url] = (await Promise.race([once(createInterface(stdout), 'line'), failed])) as [string]
  const stop = async () => {
    child.kill()
    assert.deepEqual(await ended, [0, null])
  }
  return { url, [Symbol.asyncDispose]: stop }
}

/** What a program has printed when it has ended well. */
async function finished(args: readonly string[]): Promise<string> {
  const { stdout, ended } = start(args)
  const printed = await Array.fromAsync(stdout.setEncoding('utf8'))
  assert.deepEqual(await ended, [0, null])
  return printed.join('')
}

/** The node that it speaks to runs in this process, which therefore goes on. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, args, {
    cwd: installed.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, stdout: child.stdout, ended: once(child, 'exit') }
}
