import { formatAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { followLines } from '../gateway/ask.ts'
import { keyHeader } from '../gateway/blobClient.ts'
import type { Imported } from '../mend/importCar.ts'
import { PipeOutput, readInput } from './files.ts'
import { leaseQuery } from './keep.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { PartFile } from './partFile.ts'
import { Progress } from './progress.ts'
import { resolveBlob } from '../gateway/reference.ts'
import { ask, openVisit } from './visit.ts'

export interface ExportCommand extends Global {
  readonly output?: string
}

/** `drey export ADDRESS [-o FILE]` */
export async function exportCommand(
  text: string,
  options: ExportCommand,
  signal: AbortSignal,
): Promise<void> {
  const isStdout = options.output === undefined || options.output === '-'
  if (isStdout && process.stdout.isTTY) {
    throw new DreyError('bad-input', 'a CAR is nothing to read: name a file with -o, or use a pipe')
  }
  await using visit = await openVisit(options)
  const wanted = await resolveBlob(visit.door, text, { signal })
  const address = formatAddress(wanted.address)
  const path = `/car/${address}`
  const { body } = await ask(visit.door, 'GET', path, { headers: keyHeader(wanted), signal })
  await using file = isStdout ? undefined : await PartFile.open(options.output)
  const output = file ?? new PipeOutput()
  let bytes = 0
  {
    using bar = new Progress(options, 'export')
    for await (const chunk of body) {
      bytes += chunk.length
      bar.add(chunk.length)
      await output.write(chunk)
    }
  }
  await output.finish()
  if (!isStdout) {
    const words = `${options.output}: ${formatSize(bytes)} of sealed blocks, root ${address}`
    say(options, { address, bytes, output: options.output }, words)
  }
}

export interface ImportCommand extends Global {
  readonly expires?: string
  readonly name?: string
}

/** `drey import FILE` */
export async function importCommand(
  path: string,
  options: ImportCommand,
  signal: AbortSignal,
): Promise<void> {
  const { body } = await readInput(path)
  await using visit = await openVisit(options)
  const query = leaseQuery(options)
  const reply = await ask(visit.door, 'POST', '/car', { query, body, signal })
  const imported = await shown(reply.body, options)
  const { blocks, newBytes, summary } = imported
  note(options, `${blocks} blocks, ${formatSize(newBytes)} of them new; ${summary}`)
  say(options, imported, imported.address)
}

async function shown(body: AsyncIterable<Uint8Array>, options: Global): Promise<Imported> {
  using bar = new Progress(options, 'import', { format: (count) => `${Math.round(count)} blocks` })
  let told = 0
  return await followLines<number, Imported>(body, (blocks) => {
    bar.add(blocks - told)
    told = blocks
  })
}
