// Serves a film from a swarm over HTTP. A player that jumps asks for ranges, and only these are fetched.
//
//   node video.ts DATA-FOLDER ADDRESS [PORT]    an address, a link, or a name; of a folder, with a path behind it
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { connect, type ByteRange } from 'drey'

const [data, film, port = '8080'] = process.argv.slice(2)
if (data === undefined || film === undefined) throw new Error('say which node has which film')
await using node = await connect(data)
const size = await node.get(film).size()

/** What a player asks for, "bytes=100-" or "bytes=100-199". Whatever else it says, it gets the whole. */
function rangeOf(header = ''): Required<ByteRange> | undefined {
  const [, start, last] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? []
  if (start === undefined) return undefined
  return { start: Number(start), end: last ? Math.min(Number(last) + 1, size) : size }
}

async function play({ headers, method }: IncomingMessage, response: ServerResponse): Promise<void> {
  const range = rangeOf(headers.range)
  const { start, end } = range ?? { start: 0, end: size }
  if (range && start >= end) {
    return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
  }
  response.writeHead(range ? 206 : 200, {
    'accept-ranges': 'bytes',
    'content-type': 'video/mp4',
    'content-length': end - start,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  })
  if (method === 'HEAD') return void response.end()
  await pipeline(node.get(film!, { range: { start, end } }).readable(), response)
}

const server = createServer((request, response) => {
  play(request, response).catch((error: NodeJS.ErrnoException) => {
    // A player that jumps hangs up first: the read has ended with it.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error)
    response.destroy()
  })
})
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
server.close()
server.closeAllConnections()
