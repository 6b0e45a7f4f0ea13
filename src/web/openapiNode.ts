import type { Operation, Paths, Schema } from './openapi.ts'
import {
  address,
  bytes,
  inHeader,
  inPath,
  inQuery,
  json,
  reading,
  ref,
  work,
  writing,
} from './openapiWords.ts'

const name = inPath('name', 'a name')
const text = { type: 'string' } as const
const flag = (what: string, description: string) => inQuery(what, description, text)
const number: Schema = { type: 'integer' }

const lease = [
  inQuery('name', 'what it is called in the list of what was stored'),
  inQuery('lease', 'for how many milliseconds it is kept; for ever without', number),
]

function told(
  id: string,
  summary: string,
  { schema, parameters = [] }: { schema: string; parameters?: Operation['parameters'] },
): Operation {
  const responses = { 200: { description: summary.toLowerCase(), content: json(ref(schema)) } }
  return reading('token', { operationId: id, summary, parameters, responses, refused: work })
}

/** Lines of JSON that come as there is something to say. */
function lines(schema: string, description: string): Operation['responses'] {
  return { 200: { description, content: { 'application/x-ndjson': { schema: ref(schema) } } } }
}

/** What stores and changes, and what the node says of itself. */
export const apiPaths: Paths = {
  '/blob': {
    put: writing({
      ...{ operationId: 'putBlob', summary: 'Stores a blob of any length; it need not be known' },
      parameters: [
        ...lease,
        inQuery('hash', 'of its address', { ...text, enum: ['blake3', 'sha2-256', 'sha1'] }),
        inQuery('code', 'data+parity, such as 4+2, instead of the swarm’s policy'),
      ],
      requestBody: { required: true, content: { 'application/octet-stream': { schema: bytes } } },
      responses: {
        201: {
          description: 'it is synced to disk at its holders',
          headers: { location: { description: 'where it is read', schema: text } },
          content: json(ref('Stored')),
        },
      },
      refused: [...work.filter((code) => code !== 404), 507],
    }),
  },
  '/blob/{address}': {
    delete: writing({
      ...{
        operationId: 'removeBlob',
        summary: 'Ends this node’s leases for a blob',
        parameters: [address],
      },
      responses: { 200: { description: 'they have ended', content: json(ref('Removed')) } },
      refused: work,
    }),
  },
  '/name/{name}': {
    put: writing({
      ...{ operationId: 'setName', summary: 'Sets what a name means' },
      parameters: [
        name,
        inQuery('address', 'what it means; without it, what it meant before'),
        inQuery('version', 'without an address: what it meant then', number),
        inHeader('drey-key', 'the key of a link, for what the swarm cannot read'),
      ],
      responses: { 200: { description: 'it is set', content: json(ref('NameSet')) } },
      refused: [...work, 507],
    }),
    delete: writing({
      ...{
        operationId: 'removeName',
        summary: 'From then on a name means nothing',
        parameters: [name],
      },
      responses: { 200: { description: 'it is removed', content: json(ref('NameSet')) } },
      refused: [...work, 507],
    }),
  },
  '/api/status': { get: told('getStatus', 'How the node is', { schema: 'Status' }) },
  '/api/list': {
    get: told('getList', 'What was stored from this node', {
      schema: 'List',
      parameters: [
        flag('search', 'part of a name or an address'),
        inQuery('sort', 'the order', { ...text, enum: ['time', 'size', 'name'] }),
        inQuery('limit', 'how many at most', number),
      ],
    }),
  },
  '/api/members': { get: told('getMembers', 'Who belongs to the swarm', { schema: 'Members' }) },
  '/api/names': { get: told('getNames', 'All names that are set', { schema: 'Names' }) },
  '/api/name/{name}': {
    get: told('getName', 'What a name means, and since when', {
      schema: 'Name',
      parameters: [name, flag('log', 'all that it has meant')],
    }),
  },
  '/api/find/{address}': {
    get: told('findBlob', 'Who holds what of a block', { schema: 'Found', parameters: [address] }),
  },
  '/api/check/{address}': {
    get: reading('token', {
      ...{ operationId: 'checkBlob', summary: 'How many losses a blob survives' },
      parameters: [address, flag('deep', 'every shard is fetched')],
      responses: lines('Line', 'how far it is, and at the end the outcome, or an error'),
      refused: work,
    }),
  },
  '/api/keep/{address}': {
    post: writing({
      ...{ operationId: 'keepBlob', summary: 'Makes a lease for what another has stored' },
      parameters: [address, ...lease],
      responses: lines('Line', 'how far it is, and at the end the outcome, or an error'),
      refused: work,
    }),
  },
  '/api/events': {
    get: reading('token', {
      ...{ operationId: 'watchEvents', summary: 'What happens at the node, as it does' },
      responses: lines('Event', 'a line for each event, until the asker goes'),
      refused: work,
    }),
  },
  '/metrics': {
    get: reading('token', {
      ...{ operationId: 'getMetrics', summary: 'How the node is, as Prometheus reads it' },
      responses: { 200: { description: 'metrics', content: { 'text/plain': { schema: text } } } },
      refused: work,
    }),
  },
  '/health': {
    get: reading('open', {
      ...{ operationId: 'getHealth', summary: 'Whether somebody should look after this node' },
      responses: {
        200: { description: 'nobody needs to', content: json(ref('Health')) },
        503: { description: 'somebody should, and why', content: json(ref('Health')) },
      },
    }),
  },
  '/openapi.json': {
    get: reading('open', {
      ...{ operationId: 'getDescription', summary: 'This description' },
      responses: { 200: { description: 'OpenAPI 3.1', content: json({ type: 'object' }) } },
    }),
  },
}
