import { collect, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Finding } from '../node/gather.ts'
import type { Door, DoorReply, DoorRequest } from './door.ts'
import { errorFrom, type ErrorBody } from './errors.ts'
import type { Line } from './lines.ts'

/** A request with what most have not. */
export function ask(
  door: Door,
  method: string,
  path: string,
  rest: Partial<DoorRequest> & Pick<DoorRequest, 'signal'>,
): Promise<DoorReply> {
  return door({ method, path, query: new URLSearchParams(), headers: {}, body: nothing(), ...rest })
}

/** What a node answered: one JSON value. */
export async function readReply<T>({ body }: DoorReply): Promise<T> {
  return JSON.parse(Buffer.from(await collect(body)).toString('utf8')) as T
}

/** The lines of an answer (NDJSON), each as soon as it is there. Whoever stops reading ends the answer. */
export async function* readLines<T>(body: Bytes): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let begun = ''
  for await (const chunk of body) {
    const texts = (begun + decoder.decode(chunk, { stream: true })).split('\n')
    begun = texts.pop()!
    for (const text of texts) yield JSON.parse(text) as T
  }
}

/** Follows long work at a door to its outcome. Throws what it failed with. */
export async function followLines<Progress, Outcome>(
  body: Bytes,
  report: (progress: Progress) => void,
): Promise<Outcome> {
  for await (const line of readLines<Line<Progress, Outcome>>(body)) {
    if ('error' in line) throw errorFrom(line)
    if ('outcome' in line) return line.outcome
    report(line.progress)
  }
  throw new DreyError('unreachable', 'the node stopped before it was done')
}

/**
 * What the node says after a read with `?report`, of which `done` of `size` bytes came: what it met. Throws
 * the failure that ended the read.
 */
export function settleRead(
  { trailers }: DoorReply,
  { done, size }: { done: number; size: number },
): Finding[] {
  const { 'drey-error': failure, 'drey-findings': findings = '[]' } = trailers?.() ?? {}
  if (failure) throw errorFrom(JSON.parse(decodeURIComponent(failure)) as ErrorBody)
  if (done !== size) {
    throw new DreyError('unreachable', `the node stopped after ${done} of ${size} bytes`)
  }
  return JSON.parse(decodeURIComponent(findings)) as Finding[]
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
