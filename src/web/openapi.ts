import { apiPaths } from './openapiNode.ts'
import { readingPaths } from './openapiReading.ts'
import { schemas } from './openapiSchemas.ts'
import { withHead } from './openapiWords.ts'

/** As much of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) as describes this door. */
export interface OpenApi {
  readonly openapi: '3.1.1'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Paths
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
}

export type Paths = Readonly<Record<string, Readonly<Partial<Record<Method, Operation>>>>>

export type Method = 'get' | 'head' | 'put' | 'post' | 'delete'

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: true; readonly content: Contents }
  readonly responses: Readonly<Record<string, Response>>
  /** Any one of them; none is needed where it is empty. */
  readonly security: readonly Readonly<Record<string, readonly []>>[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: true
  readonly description: string
  readonly schema: Schema
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<
    Record<string, { readonly description: string; readonly schema: Schema }>
  >
  readonly content?: Contents
}

export type Contents = Readonly<Record<string, { readonly schema: Schema }>>

/** JSON Schema, 2020-12. */
export interface Schema {
  readonly $ref?: string
  readonly type?: SchemaType | readonly SchemaType[]
  readonly description?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly contentMediaType?: string
}

export type SchemaType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null'

/** The whole door, as `GET /openapi.json` gives it. `route.ts` and this are held equal by a test. */
export function openApi(version: string): OpenApi {
  return {
    openapi: '3.1.1',
    info: {
      ...{ title: 'Drey', version },
      description:
        'The HTTP door of a node: reading and storing blobs, names, and how the node is. docs/http.md says more.',
    },
    paths: withHead(merged(readingPaths, apiPaths)),
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'what "drey http-token" prints' },
        tokenInQuery: {
          type: 'apiKey',
          in: 'query',
          name: 'token',
          description: 'for reading alone',
        },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: 'drey-session' },
          description: 'what POST /login gives a browser; for reading alone',
        },
        key: {
          type: 'apiKey',
          in: 'query',
          name: 'key',
          description: 'of a link, for what it opens',
        },
        keyInHeader: { type: 'apiKey', in: 'header', name: 'drey-key', description: 'the same' },
      },
    },
  }
}

/** Some paths are read and written. */
function merged(one: Paths, other: Paths): Paths {
  const paths = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...paths].map((path) => [path, { ...one[path], ...other[path] }]))
}
