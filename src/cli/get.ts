import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { fetchBeginning, fetchBlob, type Fetched, type Wanted } from '../gateway/blobClient.ts'
import type { Door } from '../gateway/door.ts'
import type { Finding } from '../node/gather.ts'
import { PipeOutput } from './files.ts'
import { follow } from '../gateway/place.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { PartFile } from './partFile.ts'
import { Progress } from './progress.ts'
import { parseReference, resolve } from '../gateway/reference.ts'
import { holdersAt, openVisit } from './visit.ts'

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
  await using file = await openFile(options, range === undefined ? wanted.address : undefined)
  if (file !== undefined && file.begun > 0)
    return await goOn(wanted, { door, file, options, signal })
  const fetched = await fetchBlob(door, wanted, { range, signal })
  if (!fetched.isFolder || options.raw || range !== undefined) {
    return await getFile(wanted, fetched, { door, file, options })
  }
  for await (const _ of fetched.chunks) break // It is read in another way.
  const { getFolder } = await import('./getFolder.ts')
  await getFolder(door, wanted, options, signal)
}

/** Where it is to be written, unless that is stdout. */
async function openFile(options: GetCommand, address?: Address): Promise<PartFile | undefined> {
  return isStdout(options) ? undefined : PartFile.open(options.output!, address)
}

interface Getting {
  readonly door: Door
  readonly file: PartFile | undefined
  readonly options: GetCommand
}

/** Goes on with what an earlier get has left, as far as that is right. */
async function goOn(
  wanted: Wanted,
  { door, file, options, signal }: Getting & { file: PartFile; signal: AbortSignal },
): Promise<void> {
  const { bytes, size } = await fetchBeginning(door, wanted, file.read(), signal)
  await file.goOn(bytes)
  note(options, `going on behind ${formatSize(bytes)} that came before`)
  const range = `bytes=${bytes}-`
  const rest = bytes === size ? nothingLeft : await fetchBlob(door, wanted, { range, signal })
  await getFile(wanted, rest, { door, file, options })
}

const nothingLeft: Fetched = {
  size: 0,
  isFolder: false,
  chunks: (async function* () {})(),
  findings: [],
}

async function getFile(
  { address }: Wanted,
  fetched: Fetched,
  { door, file, options }: Getting,
): Promise<void> {
  const output = file ?? new PipeOutput()
  const before = file?.size ?? 0
  try {
    await passOn(fetched, {
      write: (chunk) => output.write(chunk),
      progress: (size) =>
        new Progress(options, 'get', { total: before + size, before, holders: holdersAt(door) }),
    })
    await output.finish()
  } catch (error) {
    if (file?.isWorthKeeping)
      note(options, `what came is in ${file.name}: the same command goes on`)
    throw error
  }
  const { findings } = fetched
  for (const finding of findings) note(options, describe(finding))
  if (file === undefined) return
  const bytes = file.size
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
