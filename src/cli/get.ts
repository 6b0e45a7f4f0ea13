import { formatAddress } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import { asBuffer } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { settleRead } from '../gateway/ask.ts'
import type { Door } from '../gateway/door.ts'
import type { Finding } from '../node/gather.ts'
import { openOutput } from './files.ts'
import { note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { ask, openVisit } from './visit.ts'

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
  await using visit = await openVisit(options)
  await using output = await openOutput(options.output)
  const { bytes, findings } = await readBlob(visit.door, formatAddress(address), {
    headers,
    signal,
    write: (chunk) => output.write(chunk),
    progress: (size) => new Progress(options, 'get', { total: size }),
  })
  await output.finish()
  for (const finding of findings) note(options, describe(finding))
  if (isStdout(options)) return
  const result = { address: formatAddress(address), bytes, output: options.output, findings }
  say(options, result, `${options.output}: ${bytes} bytes`)
}

/** Reads a blob through a node's door, to the end or to the failure that the node tells of there. */
export async function readBlob(
  door: Door,
  address: string,
  parts: {
    readonly headers?: Record<string, string>
    readonly signal: AbortSignal
    readonly write: (chunk: Uint8Array) => Promise<void> | void
    readonly progress: (size: number) => Progress
  },
): Promise<{ bytes: number; findings: Finding[] }> {
  const { headers = {}, signal } = parts
  const query = new URLSearchParams({ report: '' })
  const reply = await ask(door, 'GET', `/blob/${address}`, { query, headers, signal })
  const size = Number(reply.headers['drey-length'])
  using progress = parts.progress(size)
  let bytes = 0
  for await (const chunk of reply.body) {
    bytes += chunk.length
    progress.add(chunk.length)
    await parts.write(chunk)
  }
  return { bytes, findings: settleRead(reply, { done: bytes, size }) }
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
