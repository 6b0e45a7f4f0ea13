import { collect } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { dataFolder } from '../daemon/folder.ts'
import { socketDoor } from '../gateway/client.ts'
import type { Door } from '../gateway/door.ts'
import { answers } from '../gateway/http.ts'
import type { Invitation, InviteView } from '../gateway/invites.ts'
import { parseDuration } from './duration.ts'
import { note, say, type Global } from './output.ts'
import { formatTable } from './table.ts'
import { ask } from './visit.ts'

export interface InviteCommand extends Global {
  readonly role?: string
  readonly zone?: string
  readonly uses?: string
  readonly expires?: string
  readonly address?: readonly string[]
  readonly list?: boolean
  readonly withdraw?: string
}

/** `drey invite [--list | --withdraw ID]`: spoken to the running node, since that is who lets somebody in. */
export async function inviteCommand(options: InviteCommand, signal: AbortSignal): Promise<void> {
  const door = await runningDoor(options)
  if (options.list) {
    const invites = (await read(door, 'GET', '/invites', signal)) as InviteView[]
    return say(options, { invites }, describe(invites))
  }
  if (options.withdraw !== undefined) {
    const path = `/invites/${encodeURIComponent(options.withdraw)}`
    const answer = (await read(door, 'DELETE', path, signal)) as object
    return say(options, answer, `withdrew ${options.withdraw}: its token is of no use any more`)
  }
  const { role, zone, uses, expires, address } = options
  const wish = {
    ...{ role, zone, addresses: address },
    uses: uses === undefined ? undefined : Number(uses),
    expiresMs: expires === undefined ? undefined : parseDuration(expires),
  }
  const invitation = (await read(door, 'POST', '/invites', signal, wish)) as Invitation
  say(options, invitation, invitation.token)
  await explain(options, invitation)
}

async function runningDoor({ data }: Global): Promise<Door> {
  const folder = dataFolder(data)
  if (await answers(folder.socket)) return socketDoor(folder.socket)
  const why = 'it is the running node that lets somebody in; start it with "drey start"'
  throw new DreyError('unreachable', `no node is running on ${folder.path}: ${why}`)
}

async function read(
  door: Door,
  method: string,
  path: string,
  signal: AbortSignal,
  wish?: object,
): Promise<unknown> {
  const body = wish === undefined ? {} : { body: json(wish) }
  const reply = await ask(door, method, path, { signal, ...body })
  return JSON.parse(Buffer.from(await collect(reply.body)).toString('utf8'))
}

async function* json(value: object): AsyncGenerator<Uint8Array> {
  yield Buffer.from(JSON.stringify(value))
}

/** Beside the token, for whoever reads it on a terminal. */
async function explain(options: Global, invitation: Invitation): Promise<void> {
  const { role, uses, expires, addresses, token } = invitation
  if (process.stdout.isTTY) {
    const drawn = await drawCode(token, process.stdout.columns)
    if (drawn !== undefined) note(options, `\n${drawn}\n`)
  }
  const whom = uses === 1 ? `one ${role} member` : `${uses} ${role} members`
  note(options, `for ${whom}, until ${expires.slice(0, 16).replace('T', ' ')} UTC`)
  note(
    options,
    `there: drey join TOKEN, while this node runs and is reached at ${addresses.join(', ')}`,
  )
  if (role !== 'storage') note(options, 'whoever joins with it can read: hand it over in private')
}

/** A QR code, two of its rows in one line; `undefined` when so many columns are too few. */
export async function drawCode(text: string, columns: number): Promise<string | undefined> {
  const { renderUnicodeCompact } = await import('uqr')
  const rows = renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n')
  if (rows[0]!.length > columns) return undefined
  // Dark on light whatever the terminal's colours are, or a camera may not see it.
  return rows.map((row) => `\u001b[38;5;231;48;5;16m${row}\u001b[0m`).join('\n')
}

function describe(invites: readonly InviteView[]): string {
  if (invites.length === 0) return 'nobody is invited'
  const rows = invites.map(({ id, role, zone, uses, usesLeft, expires, closed }) => {
    const state = closed === null ? 'open' : usesLeft === 0 ? 'used' : 'expired'
    const until = expires.slice(0, 16).replace('T', ' ')
    return [id, role, zone ?? '-', `${uses - usesLeft} of ${uses}`, until, state]
  })
  return formatTable([['id', 'role', 'zone', 'used', 'until (UTC)', 'state'], ...rows])
}
