import type { Access } from './guard.ts'
import type { Contents, Operation, Parameter, Paths, Response, Schema } from './openapi.ts'

/** With what operations are described, so that each says what all say in the same words. */

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

export function json(schema: Schema): Contents {
  return { 'application/json': { schema } }
}

export const bytes: Schema = { type: 'string', contentMediaType: 'application/octet-stream' }

export function inPath(name: string, description: string): Parameter {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } }
}

export function inQuery(
  name: string,
  description: string,
  schema: Schema = { type: 'string' },
): Parameter {
  return { name, in: 'query', description, schema }
}

export function inHeader(name: string, description: string): Parameter {
  return { name, in: 'header', description, schema: { type: 'string' } }
}

export const address = inPath('address', 'the address of a blob, a CID')

const refusals = {
  400: 'what was asked cannot be understood: the message says where',
  401: 'it takes the token',
  403: 'it was sent by a page of another origin, or this node may not do it',
  404: 'nobody who was asked has it',
  406: 'it is not given in this form',
  408: 'the body did not come in time',
  412: 'If-Match names others',
  414: 'the path and its query are too long',
  416: 'no such range; Content-Range says how long it is',
  421: 'the Host is not known to lead here',
  500: 'a mistake of Drey’s own, or of this machine’s disk',
  502: 'what was found is damaged',
  503: 'members are missing, or too much is asked at a time: it may work later',
  504: 'members did not answer in time',
  507: 'there is no room',
} as const

export type RefusalCode = keyof typeof refusals

/** What may befall whoever comes to this door at all. */
const common = [403, 414, 421] as const
/** What may befall whatever the node has to do something for. */
export const work: readonly RefusalCode[] = [400, 404, 500, 502, 503, 504]

type Told = Omit<Operation, 'security' | 'parameters'> & {
  readonly parameters?: readonly Parameter[]
  readonly refused?: readonly RefusalCode[]
}

/** What changes nothing. */
export function reading(access: Access, told: Told): Operation {
  return operation(
    access,
    told,
    access === 'open' ? [] : [...tokens, ...(access === 'key' ? keys : [])],
  )
}

/** What changes something takes the token in a header: nobody's browser sends that by itself. */
export function writing(told: Told): Operation {
  return operation('token', told, tokens.slice(0, 1))
}

const tokens: Operation['security'] = [{ token: [] }, { tokenInQuery: [] }, { session: [] }]
const keys: Operation['security'] = [{ key: [] }, { keyInHeader: [] }]

function operation(
  access: Access,
  { refused = [], ...told }: Told,
  security: Operation['security'],
): Operation {
  const codes = [...common, ...refused, ...(access === 'open' ? [] : [401 as const])].toSorted()
  const refusing = codes.map((code): [string, Response] => [
    String(code),
    { description: refusals[code], content: json(ref('Error')) },
  ])
  const responses = { ...Object.fromEntries(refusing), ...told.responses }
  return { parameters: [], ...told, responses, security }
}

/** GET answers HEAD too, without a body, and whatever range is asked for. */
export function withHead(paths: Paths): Paths {
  return Object.fromEntries(
    Object.entries(paths).map(([path, { get, ...others }]) => [
      path,
      get === undefined ? others : { get, head: headOf(get), ...others },
    ]),
  )
}

function headOf(get: Operation): Operation {
  const responses = Object.entries(get.responses)
    .filter(([status]) => status !== '206' && status !== '416')
    .map(([status, { content: _, ...rest }]): [string, Response] => [status, rest])
  return {
    ...get,
    ...{
      operationId: `${get.operationId}Head`,
      summary: `${get.summary}: what GET says before it`,
    },
    responses: Object.fromEntries(responses),
  }
}
