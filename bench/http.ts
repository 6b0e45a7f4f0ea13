import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { formatSize, parseSize } from '../src/cli/output.ts'
import { Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { readHttpToken } from '../src/daemon/http.ts'
import { getBack, keyStream, putKeyStream } from './blobs.ts'
import { dawdle, freePort, readRanges, type Served } from './httpReaders.ts'
import { printTable } from './table.ts'

const programs: Record<string, (url: string, header: string, file: string) => string[]> = {
  curl: (url, header, file) => ['-sS', '--fail', '-H', header, '-o', file, url],
  wget: (url, header, file) => ['-q', '-c', '--header', header, '-O', file, url],
  aria2c: (url, header, file) => [
    '-q',
    '-x8',
    '-s8',
    '-k1M',
    '--file-allocation=none',
    `--header=${header}`,
    '-d',
    '/',
    '-o',
    file,
    url,
  ],
}

/**
 * The HTTP door of one node: how fast curl, wget and aria2c with eight connections get a blob, beside a bare
 * `node:http` server and a get through the local socket; and what many readers at once take of memory.
 *
 *     http [size, 1GiB] [readers, 1000]
 */
export async function run(args: string[]): Promise<void> {
  const size = parseSize(args[0] ?? '1GiB')
  const readers = Number(args[1] ?? 1000)
  await warmUp()
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-bench-')))
  const port = await freePort()
  const node = await town.add('reader', ['--http', `127.0.0.1:${port}`])
  const address = await putKeyStream(node, size)
  const token = await readHttpToken(node.folder)
  const served = { host: '127.0.0.1', port, address, token, size }
  await town.sample()
  const afterPut = `the put before: ${(node.peak.privateBytes / 1e6).toFixed(1)} MB`
  const speeds = await downloads(node, served, town.folder)
  printTable(`${formatSize(size)} from one node over HTTP, MiB/s`, speeds)
  printTable('Many readers at one node', await crowds(town, node, served, readers), [afterPut])
}

async function downloads(node: Citizen, served: Served, folder: string): Promise<string[][]> {
  const { port, address, token, size } = served
  const bare = await bareServer(size)
  const header = `Authorization: Bearer ${token}`
  const door = `http://127.0.0.1:${port}/blob/${address}`
  const speed = (ms: number) => (size / 2 ** 20 / (ms / 1000)).toFixed(0)
  const through = await timed(() => getBack(node, address))
  const rows = [
    ['', 'bare node:http', 'Drey'],
    ['get through the local socket', '', speed(through)],
  ]
  for (const [name, argsFor] of Object.entries(programs)) {
    const get = async (url: string) => {
      const file = join(folder, 'got')
      const ms = await timed(() => runProgram(name, argsFor(url, header, file)))
      if ((await stat(file)).size !== size) throw new Error(`${name} got something else`)
      await rm(file)
      return speed(ms)
    }
    const [other, own] = [await get(bare.url).catch(whyNot), await get(door).catch(whyNot)]
    rows.push([name, other, own])
  }
  bare.close()
  return rows
}

async function crowds(
  town: Town,
  node: Citizen,
  served: Served,
  readers: number,
): Promise<string[][]> {
  const rows = [['', 'private MB, peak', 'seconds', 'median ms', 'slowest ms']]
  const mb = () => (node.peak.privateBytes / 1e6).toFixed(1)
  rows.push(['the downloads', mb(), '', '', ''])
  const measure = async (what: string, count: number, each: number) => {
    let took: number[] = []
    const ms = await timed(async () => (took = await readRanges(served, { readers: count, each })))
    await town.sample()
    const [middle, last] = [took[Math.floor(took.length / 2)]!, took.at(-1)!]
    rows.push([what, mb(), (ms / 1000).toFixed(1), middle.toFixed(0), last.toFixed(0)])
  }
  await measure('10 ranges of 256 KiB by one', 1, 10)
  await measure(`3 each by ${readers} at once`, readers, 3)
  const sockets = await dawdle(served, Math.round(readers / 2))
  await rest(3_000)
  await measure(`10 by one, while ${sockets.length} read a byte a second`, 1, 10)
  for (const socket of sockets) socket.destroy()
  return rows
}

/** As many bytes, without anything behind them; ranges as aria2c asks for them. */
async function bareServer(size: number): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ headers }, outgoing) => {
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? '') ?? []
    const [start, end] = [Number(from ?? 0), to ? Number(to) + 1 : size]
    const range = from === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }
    const status = from === undefined ? 200 : 206
    outgoing.writeHead(status, {
      'content-length': end - start,
      'accept-ranges': 'bytes',
      ...range,
    })
    void send(end - start, outgoing)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close }
}

async function send(size: number, outgoing: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of keyStream(size)) {
    if (!outgoing.write(chunk)) await once(outgoing, 'drain')
  }
  outgoing.end()
}

async function runProgram(name: string, args: string[]): Promise<void> {
  const child = spawn(name, args, { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`ended with ${code}`)
}

function whyNot(error: unknown): string {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  return isMissing ? 'not installed' : String((error as Error).message)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
