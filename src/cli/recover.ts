import { DreyError } from '../base/error.ts'
import { followLines } from '../gateway/ask.ts'
import type { Door } from '../gateway/door.ts'
import type { CatalogView, RecoverReply } from '../gateway/recover.ts'
import { formatTime, plain } from './list.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface RecoverCommand extends Global {
  readonly list?: boolean
  readonly force?: boolean
}

/** `drey recover [MEMBER] [--list] [--force]` */
export async function recoverCommand(
  who: string | undefined,
  options: RecoverCommand,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  const catalogs = await catalogsAt(visit.door, signal)
  if (options.list) return say(options, { catalogs }, describe(catalogs))
  const chosen = choose(who, catalogs)
  if (chosen.state === 'live' && !options.force) {
    const why = `"${plain(chosen.name)}" is here: what it stored is in its own list`
    throw new DreyError('bad-input', `${why}; --force takes it into this node’s list all the same`)
  }
  const { body } = await ask(visit.door, 'POST', `/recover/${chosen.member}`, { signal })
  const done = await shown(body, chosen, options)
  const entries = `${done.entries} entries of ${plain(chosen.name)} (${formatSize(chosen.bytes)})`
  say(
    options,
    { ...done, name: chosen.name },
    `${entries} are in this node’s list, ${done.fresh} of them new`,
  )
  note(options, 'see drey list, and drey name list for the names, which come by themselves')
  if (chosen.state === 'away') {
    note(options, `if its machine is lost: drey evict ${chosen.member.slice(0, 12)} (at an issuer)`)
  }
}

async function catalogsAt(door: Door, signal: AbortSignal): Promise<CatalogView[]> {
  const reply = await ask(door, 'GET', '/catalogs', { signal })
  const { catalogs } = await readReply<{ catalogs: CatalogView[] }>(reply)
  return catalogs.filter(({ state }) => state !== 'this')
}

/** That of the member that is meant, or of the only one that is not here. Throws 'not-found', 'bad-input'. */
function choose(who: string | undefined, catalogs: readonly CatalogView[]): CatalogView {
  const isMeant = ({ member, name, state, entries }: CatalogView) =>
    who === undefined
      ? state !== 'live' && entries > 0
      : name === who || (who.length >= 4 && member.startsWith(who))
  const [chosen, ...others] = catalogs.filter(isMeant)
  if (chosen === undefined) throw new DreyError('not-found', whyNone(who))
  if (others.length === 0) return chosen
  const all = [chosen, ...others].map(
    ({ member, name }) => `${plain(name)} (${member.slice(0, 12)})`,
  )
  throw new DreyError('bad-input', `whose? There are catalogs of ${all.join(', ')}: give an id`)
}

function whyNone(who: string | undefined): string {
  const what = who === undefined ? 'no catalog of a member that is away' : `no catalog of "${who}"`
  return `${what} is known here: see drey recover --list, or try when more members are here`
}

function describe(catalogs: readonly CatalogView[]): string {
  if (catalogs.length === 0) return 'no other member has told of a catalog'
  const rows = catalogs.map(({ member, name, state, entries, bytes, at }) => [
    ...[plain(name), state, String(entries), formatSize(bytes), formatTime(at), member],
  ])
  return formatTable([['name', 'state', 'entries', 'size', 'told (UTC)', 'member'], ...rows])
}

async function shown(
  body: AsyncIterable<Uint8Array>,
  { entries }: CatalogView,
  options: Global,
): Promise<RecoverReply> {
  const format = (count: number) => `${Math.round(count)} entries`
  using bar = new Progress(options, 'recover', { total: entries, format })
  let told = 0
  return await followLines<number, RecoverReply>(body, (count) => {
    bar.add(count - told)
    told = count
  })
}
