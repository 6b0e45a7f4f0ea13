import { connect } from 'node:net'
import { between, seededRandom, type Random } from '../../src/base/random.ts'
import { parseRanges } from '../../src/gateway/range.ts'
import { openApi, type Method } from '../../src/web/openapi.ts'
import type { WebServer } from './webServer.ts'

/** A request as it goes over the wire, and what a right answer to it has to fit. */
export interface Fuzzed {
  readonly text: string
  readonly method: string
  /** The path of the description that it was made from. */
  readonly path: string
  /** Something happened to it: it may announce more than comes, and wait for that. */
  readonly isBroken: boolean
  /** What of the film is asked for, where that is certain. */
  readonly film?: Uint8Array
  readonly range?: string
}

/** What came back: as much of it as was announced, or until the other side hung up. */
export interface Came {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

interface FuzzerOptions {
  readonly seed: number
  /** Of a blob that is stored, and what it holds. */
  readonly address: string
  readonly film: Uint8Array
}

const { paths } = openApi('0')
const brokenMs = 200
const answerMs = 20_000 // On a busy machine; a right answer takes a few.

/** Makes up requests: right ones, nearly right ones, and nonsense; the same from the same seed. */
export class Fuzzer {
  readonly #server: WebServer
  readonly #options: FuzzerOptions
  readonly #random: Random

  constructor(server: WebServer, options: FuzzerOptions) {
    this.#server = server
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  next(): Fuzzed {
    const path = this.#one(Object.keys(paths))
    const method = this.#seldom(0.2)
      ? this.#one(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])
      : this.#one(Object.keys(paths[path]!)).toUpperCase()
    const target = path.replace(/\{(\w+)\}/g, (_, name: string) => this.#part(name))
    const headers = this.#headers()
    const body = ['PUT', 'POST'].includes(method) ? this.#body() : undefined
    const lines = [`${method} ${target}${this.#query()} HTTP/1.1`, ...headers, 'connection: close']
    if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body, 'latin1')}`)
    const whole = `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
    const text = this.#broken(whole)
    const range = headers.find((line) => line.startsWith('range: '))?.slice(7)
    const isFilm = text === whole && method === 'GET' && target === `/blob/${this.#options.address}`
    return {
      text,
      method,
      path,
      isBroken: text !== whole,
      ...(isFilm && { film: this.#options.film }),
      ...(range && { range }),
    }
  }

  /** Sends it over a connection of its own. `undefined` when no answer comes in time. */
  async ask({ text, isBroken }: Fuzzed): Promise<Came | undefined> {
    const [host, port] = this.#server.address.split(':') as [string, string]
    const socket = connect(Number(port), host)
    socket.on('error', () => {}) // It may be hung up on while it sends: what came until then counts.
    socket.setTimeout(isBroken ? brokenMs : answerMs, () => socket.destroy())
    socket.write(text, 'latin1')
    const pieces: Buffer[] = []
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece)
      if (isEndless(pieces[0]!)) socket.destroy()
    })
    await new Promise((resolve) => socket.once('close', resolve))
    return parseAnswer(Buffer.concat(pieces))
  }

  #part(name: string): string {
    const { address } = this.#options
    const odd = ['', '.', '..', '%', '%00', '%ff', '%2e%2e', 'ä', 'a b', '*', 'x'.repeat(300), '"']
    if (this.#seldom(0.3)) return encodeURI(this.#one(odd)).replaceAll('%25', '%')
    if (name === 'address') return this.#seldom(0.2) ? this.#mutated(address) : address
    return this.#one(['nest', 'acorn.txt', 'a/b/c', '//', 'nest/..'])
  }

  #query(): string {
    const { address } = this.#options
    const { token } = this.#server
    const wishes = [
      'type=text/html',
      'type=%0d%0a',
      'download',
      'download=%22%0d%0aa',
      'format=raw',
      'format=car',
    ]
    const others = [
      `key=${'A'.repeat(43)}`,
      'key=',
      `token=${token}`,
      'token=x',
      'log',
      'deep',
      'lease=5',
      'lease=x',
    ]
    const more = [
      'limit=1',
      'limit=-1',
      'sort=x',
      'hash=md5',
      'code=9+9',
      `address=${address}`,
      '%',
      '&&&',
      'a=%ff',
    ]
    const count = this.#seldom(0.5) ? 0 : between(this.#random, 1, 4)
    const chosen = Array.from({ length: count }, () => this.#one([...wishes, ...others, ...more]))
    return count === 0 ? '' : `?${chosen.join('&')}`
  }

  #headers(): string[] {
    const { address } = this.#options
    const size = this.#options.film.length
    const place = () =>
      this.#one([
        0,
        1,
        between(this.#random, 0, size),
        size - 1,
        size,
        size + 1,
        '',
        '9'.repeat(25),
      ])
    const spec = () => `${place()}-${place()}`
    const ranges = `bytes=${Array.from({ length: between(this.#random, 1, 6) }, spec).join(this.#one([',', ', ', ',,']))}`
    const tags = [`"${address}"`, `W/"${address}"`, '*', '"x"', '', '"', `"x", "${address}"`]
    const all: Record<string, () => string> = {
      range: () =>
        this.#one([
          ranges,
          ranges,
          'bytes=0-9',
          'bytes=-9',
          'lines=1-2',
          'bytes=',
          this.#mutated(ranges),
        ]),
      'if-none-match': () => this.#one(tags),
      'if-match': () => this.#one(tags),
      'if-range': () => this.#one([...tags, 'Mon, 23 Nov 2026 00:00:00 GMT']),
      accept: () =>
        this.#one([
          'text/html',
          'application/json',
          '*/*',
          'a/b;q=x',
          ',,;',
          'application/vnd.drey.folder',
        ]),
      origin: () => this.#one(['null', 'http://evil.example', `http://${this.#server.address}`]),
      cookie: () => this.#one(['drey-session=x', 'drey-session=', ';;;', 'a=b; drey-session=y']),
      'sec-fetch-site': () => this.#one(['same-origin', 'cross-site', 'none', 'x']),
      'drey-key': () => this.#one(['x', 'A'.repeat(43)]),
      expect: () => this.#one(['100-continue', 'x']),
      'x-long': () => 'x'.repeat(between(this.#random, 1, 9_000)),
    }
    const chosen = Object.entries(all).filter(() => this.#seldom(0.15))
    const host = this.#seldom(0.1)
      ? this.#one(['evil.example', '', '[::1', '[::1]:1'])
      : this.#server.address
    const token = this.#seldom(0.2)
      ? this.#one(['', 'Bearer', 'Bearer x', 'Basic eDp5'])
      : `Bearer ${this.#server.token}`
    return [
      `host: ${host}`,
      `authorization: ${token}`,
      ...chosen.map(([name, value]) => `${name}: ${value()}`),
    ]
  }

  #body(): string {
    const sizes = [0, 1, 100, 5_000, 100_000]
    return this.#seldom(0.2)
      ? `token=${this.#server.token}&next=${this.#one(['/blob/x', '//evil', '/\u0001', 'ä'])}`
      : 'x'.repeat(this.#one(sizes))
  }

  /** Now and then something happens to it on its way. */
  #broken(text: string): string {
    return this.#seldom(0.08) ? this.#mutated(text) : text
  }

  #mutated(text: string): string {
    const at = between(this.#random, 0, text.length)
    const what = this.#one(['', '\0', '\r\n', ' ', ':', '\xff', '%', ',', text.slice(at, at + 9)])
    return text.slice(0, at) + what + text.slice(at + between(this.#random, 0, 4))
  }

  #seldom(part: number): boolean {
    return this.#random.fraction() < part
  }

  #one<T>(things: readonly T[]): T {
    return things[between(this.#random, 0, things.length)]!
  }
}

/** Why an answer is none that may come; `undefined` when it is. */
export function wrongAnswer(
  { method, path, isBroken, film, range }: Fuzzed,
  came: Came | undefined,
): string | undefined {
  if (came === undefined) return isBroken ? undefined : 'no answer came' // What is no HTTP may be hung up on.
  const { status, headers, body } = came
  const told = paths[path]![method.toLowerCase() as Method]?.responses ?? {}
  if (status >= 500 && !(String(status) in told)) return `${status} is not described`
  if (status < 200 || status > 599) return `${status} is no status`
  if (status === 200 || status === 206 || status === 201) {
    const announced = headers.get('content-length')
    const isShort =
      method !== 'HEAD' && announced !== undefined && body.length !== Number(announced)
    if (isShort) return `${body.length} of ${announced} bytes came`
  }
  if (film === undefined) return undefined
  if (status === 200 && !body.equals(film)) return 'other bytes came'
  const ranges = parseRanges(range, film.length)
  if (status !== 206 || !Array.isArray(ranges) || ranges.length !== 1) return undefined
  const [{ start, end }] = ranges as [{ start: number; end: number }]
  if (!body.equals(film.subarray(start, end))) return 'bytes of another range came'
  return undefined
}

/** Events go on until the asker leaves. */
function isEndless(first: Buffer): boolean {
  return first.includes('content-type: application/x-ndjson\r\n')
}

function parseAnswer(bytes: Buffer): Came | undefined {
  const text = bytes.toString('latin1')
  const isContinued = text.startsWith('HTTP/1.1 100')
  const start = isContinued ? text.indexOf('\r\n\r\n') + 4 : 0
  const end = text.indexOf('\r\n\r\n', start)
  if (end < 0) return undefined
  const [first, ...lines] = text.slice(start, end).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  return { status: Number(first!.split(' ')[1]), headers, body: bytes.subarray(end + 4) }
}
