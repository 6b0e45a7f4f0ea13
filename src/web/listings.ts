import { formatAddress } from '../address/address.ts'
import { formatLink } from '../address/link.ts'
import { asBuffer } from '../base/bytes.ts'
import { formatSize } from '../base/size.ts'
import type { Entry } from '../folder/entry.ts'
import { formatName, type Folder } from '../folder/folder.ts'
import { escaped, pageEnd, pageStart } from './page.ts'

/** A thing in a folder, in the JSON of its listing. */
export interface EntryView {
  /** What is not UTF-8 in it is shown as a question mark; `href` has it as it is. */
  readonly name: string
  readonly type: Entry['type']
  /** Where it is, from the folder on, in percents where a URL needs them. */
  readonly href: string
  /** Permissions, as chmod has them, in octal. */
  readonly mode: string
  /** ISO 8601. */
  readonly modified: string
  /** Of files and folders: of all that is below. */
  readonly size?: number
  /** Of folders: how many things are below. */
  readonly count?: number
  /** What reads it, wherever it stands. */
  readonly link?: string
  /** Of symbolic links. */
  readonly target?: string
}

/** A folder that is shown. */
export interface Shown {
  readonly folder: Folder
  /** What it is called: an address or a name, and the names on the way. */
  readonly title: string
  /** Its path in the URL, without "/" at its end. */
  readonly path: string
  /** What has to stand behind a path for it to be read: "?key=…", or nothing. */
  readonly query: string
}

/** All of a folder as one JSON object, a page in memory at a time. */
export async function* jsonListing({ folder }: Shown): AsyncGenerator<Uint8Array> {
  const address = formatAddress(folder.blob.address)
  yield Buffer.from(`{"address":"${address}","entries":[`)
  yield* joined(
    folder,
    (entry, isFirst) => `${isFirst ? '' : ','}\n${JSON.stringify(viewOf(entry))}`,
  )
  yield Buffer.from('\n]}\n')
}

/** The same for people. */
export async function* htmlListing(shown: Shown): AsyncGenerator<Uint8Array> {
  const { folder, title, path, query } = shown
  const up = path.slice(0, path.lastIndexOf('/'))
  const isTop = up === '/blob' || up === '/name'
  yield Buffer.from(
    `${pageStart(title)}<h1>${escaped(title)}</h1>\n<table><tr><th>name</th><th class="n">size</th>` +
      '<th class="n">changed (UTC)</th></tr>\n' +
      (isTop
        ? ''
        : `<tr><td><a href="${escaped(up + query)}">..</a></td><td></td><td></td></tr>\n`),
  )
  yield* joined(folder, (entry) => rowOf(entry, shown))
  const address = formatAddress(folder.blob.address)
  yield Buffer.from(`</table>\n<p><code>${address}</code></p>\n${pageEnd}`)
}

const gatheredBytes = 16 * 1024 // A line for itself would be a packet for itself.

async function* joined(
  folder: Folder,
  lineOf: (entry: Entry, isFirst: boolean) => string,
): AsyncGenerator<Uint8Array> {
  let text = ''
  let isFirst = true
  for await (const entry of folder.entries()) {
    text += lineOf(entry, isFirst)
    isFirst = false
    if (text.length < gatheredBytes) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

function viewOf(entry: Entry): EntryView {
  const { name, type, mode, modified } = entry
  return {
    ...{
      name: formatName(name),
      type,
      href: hrefOf(name),
      mode: mode.toString(8).padStart(4, '0'),
    },
    modified: timeOf(modified.seconds).toISOString(),
    ...(type === 'symlink'
      ? { target: formatName(entry.target) }
      : { size: entry.size, link: formatLink(entry.link) }),
    ...(type === 'folder' ? { count: entry.count } : {}),
  }
}

function rowOf(entry: Entry, { path, query }: Shown): string {
  const { name, type, modified } = entry
  const text = escaped(formatName(name))
  const href = escaped(`${path}/${hrefOf(name)}${query}`)
  const what =
    type === 'symlink'
      ? `${text} <span class="quiet">→ ${escaped(formatName(entry.target))}</span>`
      : `<a href="${href}">${text}${type === 'folder' ? '/' : ''}</a>`
  const size = type === 'symlink' ? '' : formatSize(entry.size)
  const time = timeOf(modified.seconds).toISOString().slice(0, 16).replace('T', ' ')
  return `<tr><td>${what}</td><td class="n">${size}</td><td class="n">${time}</td></tr>\n`
}

/** Any byte of a name may stand in a URL in percents. */
export function hrefOf(name: Uint8Array): string {
  return asBuffer(name)
    .toString('latin1')
    .replace(/[^\w.~-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** What no calendar has is shown as the beginning of time. */
function timeOf(seconds: number): Date {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? new Date(0) : time
}
