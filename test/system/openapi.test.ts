import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { parseLink, type Link } from '../../src/address/link.ts'
import { systemClock } from '../../src/base/clock.ts'
import { DreyError, type ErrorCode } from '../../src/base/error.ts'
import { attributes, listingOf } from '../../src/folder/fixture.ts'
import type { PutReply } from '../../src/gateway/blobs.ts'
import { Guard } from '../../src/web/guard.ts'
import { openApi, type Operation, type Schema } from '../../src/web/openapi.ts'
import { Tally } from '../../src/web/tally.ts'
import { routesOf, type WebParts } from '../../src/web/web.ts'
import { askWeb, openWebServer, type WebAsk, type WebServer } from './webServer.ts'

const described = openApi('0')

let server: WebServer
let trouble: ErrorCode | 'internal' | undefined
let parts: Record<string, string>

/** While there is trouble, whatever the door asks the node for fails with it. */
function troubled(web: WebParts): WebParts {
  const failing =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (trouble === undefined) return work(...args)
      if (trouble === 'internal') throw new TypeError('a bug, as it was asked for')
      throw new DreyError(trouble, 'as it was asked for')
    }
  const { node, names, inner, clock } = web
  return {
    ...{
      ...web,
      inner: failing(inner),
      names: { get: failing((name: string) => names.get(name)) },
      // Nobody waits ten seconds here for a form that does not come.
      clock: { ...clock, sleep: (ms, signal) => clock.sleep(Math.min(ms, 500), signal) },
    },
    node: {
      find: failing((...args: Parameters<typeof node.find>) => node.find(...args)),
      block: failing((...args: Parameters<typeof node.block>) => node.block(...args)),
      read: (...args) => node.read(...args),
    },
  }
}

before(async () => {
  server = await openWebServer(troubled)
  await furnish()
})
after(() => server[Symbol.asyncDispose]())

/** What brings about each status that is the same everywhere, besides what the operation takes. */
const troubles: Record<string, typeof trouble> = {
  ...{ 400: 'bad-input', 404: 'not-found', 500: 'internal', 502: 'corrupt' },
  ...{ 503: 'busy', 504: 'timeout', 507: 'full' },
}
const ways: Record<string, { headers?: Record<string, string>; query?: string }> = {
  304: { headers: { 'if-none-match': '*' } },
  401: { headers: { authorization: '' } },
  403: { headers: { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' } },
  406: { query: '?format=car' },
  412: { headers: { 'if-match': '"other"' } },
  414: { query: `?x=${'x'.repeat(5_000)}` },
  416: { headers: { range: 'bytes=999999-' } },
  421: { headers: { host: 'evil.example' } },
}

/** What bytes are asked for where a status is of them, and not of a listing. */
const raw = { accept: 'application/vnd.drey.folder' }

function askFor(operation: Operation, method: string, status: string): WebAsk & { query: string } {
  const { operationId, requestBody } = operation
  const { headers, query = '' } = ways[status] ?? {}
  const isBytes = ['206', '416'].includes(status) && operationId !== 'getBlock'
  const ranged: Record<string, string> = status === '206' ? { range: 'bytes=0-1' } : {}
  const all = { authorization: `Bearer ${server.token}`, ...(isBytes ? raw : {}), ...ranged }
  const form =
    status === '401' ? 'token=x' : status === '400' ? 'x'.repeat(9_999) : `token=${server.token}`
  const body = requestBody && (operationId === 'logIn' ? form : 'an acorn')
  const meaning = operationId === 'setName' ? `?address=${parts.address}` : ''
  return {
    method: method.toUpperCase(),
    headers: { ...all, ...headers },
    query: query || meaning,
    body,
    isStalled: status === '408',
  }
}

/** What does not fit, in words. */
function misfits(value: unknown, schema: Schema, at = 'it'): string[] {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) return misfits(value, described.components.schemas[name]!, at)
  const types = schema.type === undefined ? [] : [schema.type].flat()
  const is = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
  const fits = types.some((type) => type === is || (type === 'integer' && Number.isInteger(value)))
  if (types.length > 0 && !fits) return [`${at} is ${is}, not ${types.join(' or ')}`]
  const within = Array.isArray(value)
    ? value.flatMap((one, index) => misfits(one, schema.items ?? {}, `${at}[${index}]`))
    : Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
        const member = (value as Record<string, unknown>)[key]
        return member === undefined ? [] : misfits(member, inner, `${at}.${key}`)
      })
  const missing = (schema.required ?? []).filter((key) => !(key in (value as object)))
  return [...missing.map((key) => `${at} has no ${key}`), ...within]
}

describe('The description of the HTTP door', () => {
  it('has every route, and no other', () => {
    const clock = systemClock
    const guard = new Guard({ token: 't', address: '', hosts: [], clock })
    const routes = routesOf(server.node.web, { guard, tally: new Tally(), version: '0' })
    const there = routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`)
    const told = Object.entries(described.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    )
    assert.deepEqual(told.filter((one) => !one.startsWith('head')).toSorted(), there.toSorted())
  })

  it('gives each operation a name of its own', () => {
    const ids = Object.values(described.paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    )
    assert.equal(new Set(ids).size, ids.length)
  })

  it('is what the door gives', async () => {
    const { body } = await askWeb(server, '/openapi.json')
    assert.deepEqual(
      { ...(JSON.parse(body.toString()) as object), info: described.info },
      described,
    )
  })

  for (const [path, operations] of Object.entries(described.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      for (const [status, response] of Object.entries(operation.responses)) {
        it(`is right that ${operation.operationId} answers ${status}`, async () => {
          const { query, ...ask } = askFor(operation, method, status)
          const named = operation.operationId === 'removeName' || path.startsWith('/api/name/')
          if (status in troubles) await furnish() // Else the door may know what was asked.
          if (named || path.startsWith('/name/')) await name()
          const target = path.replace(/\{(\w+)\}/g, (_, part: string) => parts[part]!) + query
          trouble = operation.operationId === 'logIn' ? undefined : troubles[status]
          try {
            const answer = await askWeb(
              server,
              target,
              ask,
              () => path === '/api/events' && method === 'get' && status === '200',
            )
            assert.equal(answer.status, Number(status), answer.body.toString())
            if (answer.body.length > 0)
              check(answer.body, answer.headers['content-type']!, response)
          } finally {
            trouble = undefined
          }
        })
      }
    }
  }
})

/** A folder and a file that were never asked for. */
async function furnish(): Promise<void> {
  const headers = { authorization: `Bearer ${server.token}` }
  const put = async (body: Uint8Array) => {
    const answer = await askWeb(server, '/blob', { method: 'PUT', headers, body })
    return JSON.parse(answer.body.toString()) as PutReply
  }
  const acorn = randomBytes(8)
  const link = parseLink((await put(acorn)).link) as Link
  const content = { type: 'file', size: acorn.length, link } as const
  const { address } = await put(
    listingOf([{ name: Buffer.from('acorn'), ...attributes, ...content }]),
  )
  parts = { address, name: 'nest', path: 'acorn' }
}

/** Sets the name that others read and remove. */
async function name(): Promise<void> {
  const headers = { authorization: `Bearer ${server.token}` }
  const { status } = await askWeb(server, `/name/nest?address=${parts.address}`, {
    method: 'PUT',
    headers,
  })
  assert.equal(status, 200)
}

function check(body: Buffer, type: string, { content = {} }: Operation['responses'][string]): void {
  const bare = type.split(';')[0]!
  const told = content[bare] ?? content['*/*']
  assert.ok(told, `${type} is not described`)
  if (!/json$/.test(bare)) return
  for (const line of body
    .toString()
    .trim()
    .split(bare.endsWith('ndjson') ? '\n' : '\0')) {
    assert.deepEqual(misfits(JSON.parse(line), told.schema), [])
  }
}
