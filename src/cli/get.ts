import { formatAddress, parseAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { fetchBlob, type Fetched, type Wanted } from '../gateway/blobClient.ts'
import type { Door } from '../gateway/door.ts'
import type { Finding } from '../node/gather.ts'
import { openOutput } from './files.ts'
import { follow } from './folders.ts'
import { note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { parseReference, resolve } from './reference.ts'
import { openVisit } from './visit.ts'

export interface GetCommand extends Global {
  readonly output?: string
  readonly range?: string
  readonly raw?: boolean
  readonly setId?: boolean
}

/** `drey get ADDRESS[/PATH] [-o FILE|FOLDER] [--range A-B]` */
export async function getCommand(
  text: string,
  options: GetCommand,
  signal: AbortSignal,
): Promise<void> {
  if (options.json && isStdout(options)) {
    throw new DreyError('bad-input', '--json tells the result on stdout: name a file with -o')
  }
  const range = options.range === undefined ? undefined : rangeHeader(options.range)
  const reference = parseReference(text)
  await using visit = await openVisit(options)
  const { door } = visit
  const wanted = await follow(door, await resolve(door, reference, { signal }), signal)
  const fetched = await fetchBlob(door, wanted, { range, signal })
  if (!fetched.isFolder || options.raw || range !== undefined) {
    return await getFile(wanted, fetched, options)
  }
  fetched.leave()
  const { getFolder } = await import('./getFolder.ts')
  await getFolder(door, wanted, options, signal)
}

async function getFile({ address }: Wanted, fetched: Fetched, options: GetCommand): Promise<void> {
  await using output = await openOutput(options.output)
  const bytes = await passOn(fetched, {
    write: (chunk) => output.write(chunk),
    progress: (size) => new Progress(options, 'get', { total: size }),
  })
  await output.finish()
  const { findings } = fetched
  for (const finding of findings) note(options, describe(finding))
  if (isStdout(options)) return
  const result = { address: formatAddress(address), bytes, output: options.output, findings }
  say(options, result, `${options.output}: ${bytes} bytes`)
}

interface PassOn {
  readonly write: (chunk: Uint8Array) => Promise<void> | void
  readonly progress: (size: number) => Progress
}

/** Reads a blob through a node's door, to the end or to the failure that the node tells of there. */
export async function readBlob(
  door: Door,
  address: string,
  { signal, ...parts }: PassOn & { readonly signal: AbortSignal },
): Promise<{ bytes: number; findings: readonly Finding[] }> {
  const fetched = await fetchBlob(door, { address: parseAddress(address) }, { signal })
  const bytes = await passOn(fetched, parts)
  return { bytes, findings: fetched.findings }
}

async function passOn({ chunks, size }: Fetched, { write, progress }: PassOn): Promise<number> {
  using shown = progress(size)
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    shown.add(chunk.length)
    await write(chunk)
  }
  return bytes
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
