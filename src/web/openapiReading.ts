import type { Operation, Paths, Response } from './openapi.ts'
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
} from './openapiWords.ts'
import type { Access } from './guard.ts'

const path = inPath('path', 'where in the folder: any number of names with "/" between them')
const name = inPath('name', 'a name that is set in the swarm')

const conditions = [
  inHeader('if-none-match', '304 when this is the ETag'),
  inHeader('if-match', '412 unless this is the ETag'),
  inHeader('if-range', 'the range counts if this is the ETag'),
  inHeader('range', 'one range of bytes, or up to 32'),
] as const

const wishes = [
  inQuery('type', 'what to call it in Content-Type'),
  inQuery('download', 'what a browser saves it as'),
  inHeader('accept', 'of a folder: text/html, application/json or application/vnd.drey.folder'),
] as const

const text = { type: 'string' } as const
const etag = { etag: { description: 'the address, in quotes', schema: text } }

const contents = {
  '*/*': { schema: bytes },
  'text/html': { schema: text },
  ...json(ref('Listing')),
}

const given: Record<string, Response> = {
  200: { description: 'all of it; of a folder, what is in it', headers: etag, content: contents },
  206: {
    description: 'a range of it; several come as multipart/byteranges',
    headers: { ...etag, 'content-range': { description: 'which of how many bytes', schema: text } },
    content: { '*/*': { schema: bytes }, 'multipart/byteranges': { schema: bytes } },
  },
  304: { description: 'the asker has it', headers: etag },
}

function content(
  access: Access,
  { id, summary, parameters }: { id: string; summary: string; parameters: Operation['parameters'] },
): Operation {
  return reading(access, {
    ...{ operationId: id, summary, responses: given, refused: [...work, 412, 416] },
    parameters: [...parameters, ...wishes, ...conditions],
  })
}

/** What gives bytes. */
export const readingPaths: Paths = {
  '/blob/{address}': {
    get: content('key', { id: 'getBlob', summary: 'A blob', parameters: [address] }),
  },
  '/blob/{address}/{path}': {
    get: content('key', {
      ...{ id: 'getBlobBelow', summary: 'What is in a folder' },
      parameters: [address, path],
    }),
  },
  '/name/{name}': {
    get: content('token', { id: 'getNamed', summary: 'What a name means now', parameters: [name] }),
  },
  '/name/{name}/{path}': {
    get: content('token', {
      ...{ id: 'getNamedBelow', summary: 'What is in the folder that a name means now' },
      parameters: [name, path],
    }),
  },
  '/block/{address}': {
    get: reading('token', {
      ...{
        operationId: 'getBlock',
        summary: 'A block as it is kept: sealed, checked against its address',
      },
      parameters: [
        address,
        inQuery('format', '"raw", as trustless gateways are asked', {
          type: 'string',
          enum: ['raw'],
        }),
        inHeader('accept', 'application/vnd.ipld.raw'),
        ...conditions,
      ],
      responses: {
        ...given,
        200: {
          ...{ description: 'all of it', headers: etag },
          content: { 'application/vnd.ipld.raw': { schema: bytes } },
        },
      },
      refused: [...work, 406, 412, 416],
    }),
  },
  '/login': {
    get: reading('open', {
      ...{ operationId: 'getLogin', summary: 'A form that asks a person for the token' },
      parameters: [inQuery('next', 'the path to go on to')],
      responses: { 200: { description: 'the form', content: { 'text/html': { schema: text } } } },
    }),
    post: reading('open', {
      ...{ operationId: 'logIn', summary: 'A cookie for a browser that shows the token' },
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': { schema: ref('Login') } },
      },
      responses: {
        303: {
          description: 'the cookie, for twelve hours',
          headers: {
            'set-cookie': { description: 'the cookie', schema: text },
            location: { description: 'where to go on', schema: text },
          },
        },
        401: {
          description: 'another token: the form again',
          content: { 'text/html': { schema: text } },
        },
      },
      refused: [400, 408],
    }),
  },
}
