import { formatAddress } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import { asBuffer } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { errorFrom, type ErrorBody } from '../gateway/errors.ts'
import type { Finding } from '../node/gather.ts'
import { openOutput } from './files.ts'
import { note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { ask, openSession } from './session.ts'

export interface GetCommand extends Global {
  readonly output?: string
  readonly range?: string
}

/** `drey get ADDRESS [-o FILE] [--range A-B]` */
export async function getCommand(
  text: string,
  options: GetCommand,
  signal: AbortSignal,
): Promise<void> {
  const { address, key } = parseLink(text)
  const headers: Record<string, string> = {}
  if (key !== undefined) headers['drey-key'] = asBuffer(key).toString('base64url')
  if (options.range !== undefined) headers.range = rangeHeader(options.range)
  if (options.json && isStdout(options)) {
    throw new DreyError('bad-input', '--json tells the result on stdout: name a file with -o')
  }
  await using session = await openSession(options)
  const query = new URLSearchParams({ report: '' })
  const path = `/blob/${formatAddress(address)}`
  const reply = await ask(session.door, 'GET', path, { query, headers, signal })
  await using output = await openOutput(options.output)
  const size = Number(reply.headers['drey-length'])
  let done = 0
  {
    using progress = new Progress(options, 'get', size)
    for await (const chunk of reply.body) {
      done += chunk.length
      progress.add(chunk.length)
      await output.write(chunk)
    }
  }
  const findings = settle(reply.trailers!(), done, size)
  await output.finish()
  for (const finding of findings) note(options, describe(finding))
  if (isStdout(options)) return
  const result = { address: formatAddress(address), bytes: done, output: options.output, findings }
  say(options, result, `${options.output}: ${done} bytes`)
}

/** What the node said at the end: throws the failure that ended the read. */
function settle(trailers: Record<string, string>, done: number, size: number): Finding[] {
  const failure = trailers['drey-error']
  if (failure) throw errorFrom(JSON.parse(decodeURIComponent(failure)) as ErrorBody)
  if (done !== size) {
    throw new DreyError('unreachable', `the node stopped after ${done} of ${size} bytes`)
  }
  return JSON.parse(decodeURIComponent(trailers['drey-findings'] ?? '[]')) as Finding[]
}

function describe({ what, member, block, index }: Finding): string {
  const shard = `shard ${index} of block ${block}`
  switch (what) {
    case 'rotted-shard':
      return `${shard} had rotted at member ${member}, which set it aside; read from others`
    case 'wrong-shard':
      return `member ${member} sent wrong bytes for ${shard}; read from others`
    case 'false-layout':
      return `member ${member} gave a false layout of block ${block}; read from others`
  }
}

function isStdout({ output }: GetCommand): boolean {
  return output === undefined || output === '-'
}

/** "A-B": from byte A up to and including byte B; "A-" to the end, "-N" the last N. */
function rangeHeader(text: string): string {
  if (!/^(\d+-\d*|-\d+)$/.test(text)) {
    throw new DreyError(
      'bad-input',
      `not a range: "${text}"; write 0-99, 100- or -50 (bytes, both ends included)`,
    )
  }
  return `bytes=${text}`
}
