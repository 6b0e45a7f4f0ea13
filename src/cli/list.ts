import type { ListReply } from '../gateway/leases.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface ListCommand extends Global {
  readonly search?: string
  readonly sort: string
  readonly limit: string
}

/** `drey list [--search TEXT] [--sort ORDER] [--limit COUNT]` */
export async function listCommand(options: ListCommand, signal: AbortSignal): Promise<void> {
  const { search, sort, limit } = options
  const query = new URLSearchParams({ sort, limit, ...(search === undefined ? {} : { search }) })
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/list', { query, signal })
  const list = await readReply<ListReply>(reply)
  say(options, list, describe(list))
  const more = list.total - list.blobs.length
  if (more > 0) note(options, `and ${more} more: see --limit and --search`)
}

function describe({ blobs }: ListReply): string {
  if (blobs.length === 0) return 'nothing'
  const rows = blobs.map(({ made, size, name, expires, address }) => [
    formatTime(made),
    size === null ? '?' : formatSize(size),
    expires === null ? '-' : formatTime(expires),
    plain(name ?? '-'),
    address,
  ])
  return formatTable([['stored (UTC)', 'size', 'until', 'name', 'address'], ...rows])
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** A file's name may hold what a terminal would obey. */
export function plain(name: string): string {
  return name.replace(/\p{Cc}/gu, '?')
}
