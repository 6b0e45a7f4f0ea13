import { request } from '../base/http.ts'

const bytesMax = 256 << 10 // A router's description has a few thousand.
const answerMs = 5_000

export interface Asked {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly signal: AbortSignal
}

/**
 * Asks a small thing of a router over HTTP, follows it nowhere else, and keeps no connection. Rejects when
 * nothing is answered, or too much.
 */
export async function askHttp(
  url: URL,
  { method = 'GET', headers, body, signal }: Asked,
): Promise<{ status: number; text: string }> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const asking = request(url, { method, headers, signal: limit, agent: false }, (answer) => {
    const pieces: Buffer[] = []
    let size = 0
    answer.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > bytesMax) asking.destroy(new Error('it answers too much'))
      else pieces.push(piece)
    })
    answer.on('error', reject)
    answer.on('end', () => {
      resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(pieces).toString() })
    })
  })
  asking.on('error', reject)
  asking.end(body)
  return promise
}
