import { formatLink } from '../address/link.ts'
import { formatAddress } from '../address/address.ts'
import type { Entry } from '../folder/entry.ts'
import { formatName, formatPath } from '../folder/folder.ts'
import { walk } from '../folder/walk.ts'
import { finderThrough } from '../gateway/blobClient.ts'
import { folderAt } from '../gateway/place.ts'
import { formatSize, type Global } from './output.ts'
import { parseReference, resolve } from '../gateway/reference.ts'
import { openVisit } from './visit.ts'

export interface LsCommand extends Global {
  readonly long?: boolean
}

/** `drey ls ADDRESS[/PATH]`: a line for each entry, as they come. */
export async function lsCommand(
  text: string,
  options: LsCommand,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseReference(text)
  await using visit = await openVisit(options)
  const wanted = await resolve(visit.door, reference, { signal })
  const folder = await folderAt(finderThrough(visit.door, signal), wanted)
  for await (const entry of folder.entries()) {
    await print(options.json ? JSON.stringify(asJson(entry)) : formatEntry(entry, options))
  }
}

/** `drey tree ADDRESS[/PATH]`: everything below a folder. */
export async function treeCommand(
  text: string,
  options: LsCommand,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseReference(text)
  await using visit = await openVisit(options)
  const find = finderThrough(visit.door, signal)
  const folder = await folderAt(find, await resolve(visit.door, reference, { signal }))
  for await (const { path, entry } of walk(find, folder)) {
    if (options.json) {
      await print(JSON.stringify({ path: formatPath(path), ...asJson(entry) }))
    } else {
      await print(`${'  '.repeat(path.length - 1)}${formatEntry(entry, options)}`)
    }
  }
}

function asJson(entry: Entry): object {
  const { name, type, mode } = entry
  const common = { name: formatName(name), type, mode, modified: formatTime(entry) }
  const exact = Buffer.from(name).toString('utf8')
  const bytes = exact === common.name ? {} : { nameBase64: Buffer.from(name).toString('base64') }
  if (entry.type === 'symlink') {
    return { ...common, ...bytes, target: formatName(entry.target) }
  }
  const { link, size } = entry
  const address = formatAddress(link.address)
  const count = entry.type === 'folder' ? { count: entry.count } : {}
  return { ...common, ...bytes, size, ...count, address, link: formatLink(link) }
}

function formatEntry(entry: Entry, { long }: LsCommand): string {
  const name = `${formatName(entry.name)}${entry.type === 'folder' ? '/' : ''}`
  const target = entry.type === 'symlink' ? ` -> ${formatName(entry.target)}` : ''
  if (!long) return `${name}${target}`
  const size = entry.type === 'symlink' ? '-' : formatSize(entry.size)
  const address = entry.type === 'symlink' ? '' : `  ${formatAddress(entry.link.address)}`
  const mode = `${letters[entry.type]}${formatMode(entry.mode)}`
  return `${mode}  ${size.padStart(8)}  ${formatTime(entry)}  ${name}${target}${address}`
}

const letters = { file: '-', folder: 'd', symlink: 'l' } as const

/** "rwxr-x---" */
function formatMode(mode: number): string {
  return Array.from('rwxrwxrwx', (letter, at) => (mode & (0o400 >> at) ? letter : '-')).join('')
}

function formatTime({ modified }: Entry): string {
  return new Date(modified.seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')
}

/** Waits for whoever reads, so that a long listing does not pile up here. */
function print(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()))
  })
}
