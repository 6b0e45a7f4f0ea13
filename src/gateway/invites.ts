import { concat, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { parseEndpoint } from '../transport/endpoint.ts'
import { isRole, roles } from '../transport/identity.ts'
import { tokenLimits } from '../transport/token.ts'
import type { PeerId, Role } from '../transport/transporter.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** What `POST /invites` asks for. */
export interface InviteWish {
  readonly role: Role
  readonly zone?: string
  readonly uses: number
  readonly expiresMs: number
  /** In place of where the node is reached as far as it knows: "host:port". */
  readonly addresses?: readonly string[]
}

/** An invitation, in `GET /invites`: without what one could join with. Times are ISO 8601. */
export interface InviteView {
  /** What withdraws it: the token's own name. */
  readonly id: string
  /** What a member may do that joins with it. */
  readonly role: Role
  /** House, rack or site that newcomers are in, or nothing. */
  readonly zone: string | null
  /** How many may join with it. */
  readonly uses: number
  /** How many still may. */
  readonly usesLeft: number
  /** Until when. */
  readonly expires: string
  /** When it was made. */
  readonly madeAt: string
  /** Why nobody new can use it, or nothing. */
  readonly closed: string | null
  /** Who has joined with it. */
  readonly admitted: readonly { readonly member: PeerId; readonly at: string }[]
}

/** An invitation that was just made. The token is shown this once. */
export interface Invitation extends InviteView {
  /** What the new machine joins with. */
  readonly token: string
  /** Where the token says to come. */
  readonly addresses: readonly string[]
}

/** Somebody who may invite. */
export interface InviteDesk {
  invite(wish: InviteWish): Promise<Invitation>
  list(): InviteView[]
  /** Throws 'not-found'. */
  withdraw(id: string): Promise<void>
}

const defaults = {
  uses: 1,
  expiresMs: 24 * 3_600_000,
  expiresMsMax: 90 * 24 * 3_600_000, // A token lies about in chats and mails.
  zoneMax: 64,
  wishBytesMax: 16_384,
} as const

/** Invitations over HTTP: `POST /invites`, `GET /invites`, `DELETE /invites/ID`. A node that is no issuer has no desk. */
export function invitesDoor(desk: InviteDesk | undefined): PartDoor {
  return ({ method, path, body }) => {
    const id = /^\/invites\/([^/]+)$/.exec(path)?.[1]
    if (path === '/invites' && method === 'GET') return answer((at) => at.list())
    if (path === '/invites' && method === 'POST') {
      return answer(async (at) => at.invite(await readWish(body)), 201)
    }
    if (id === undefined || method !== 'DELETE') return undefined
    return answer(async (at) => {
      await at.withdraw(id)
      return { withdrawn: id }
    })
  }

  async function answer(work: (desk: InviteDesk) => unknown, status = 200) {
    if (desk !== undefined) return jsonReply(await work(desk), status)
    throw new DreyError(
      'not-allowed',
      'this node is no issuer: invite at one that is (drey members)',
    )
  }
}

/** Reads a wish: JSON. What it does not say is as usual. Throws 'bad-input'. */
async function readWish(body: Bytes): Promise<InviteWish> {
  const wish = await readJson(body)
  const { role = 'storage', zone, uses = defaults.uses, expiresMs = defaults.expiresMs } = wish
  if (!isRole(role)) {
    throw new DreyError('bad-input', `no such role: "${String(role)}"; choose ${roles.join(', ')}`)
  }
  if (zone !== undefined && !isShortText(zone, defaults.zoneMax)) {
    throw new DreyError('bad-input', '"zone" is not a short text')
  }
  if (typeof uses !== 'number') throw new DreyError('bad-input', '"uses" is not a number')
  const isTime = typeof expiresMs === 'number' && expiresMs > 0
  if (!isTime || expiresMs > defaults.expiresMsMax) {
    throw new DreyError('bad-input', 'an invitation expires after a second to 90 days')
  }
  return { role, zone, uses, expiresMs, addresses: readAddresses(wish.addresses) }
}

async function readJson(body: Bytes): Promise<Record<string, unknown>> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    pieces.push(new Uint8Array(chunk)) // Its giver frees it.
    size += chunk.length
    if (size > defaults.wishBytesMax) throw new DreyError('bad-input', 'a wish is shorter')
  }
  const text = Buffer.from(concat(pieces)).toString('utf8')
  try {
    const wish: unknown = JSON.parse(text || '{}')
    if (typeof wish === 'object' && wish !== null) return wish as Record<string, unknown>
    throw new Error('it is no object')
  } catch (cause) {
    throw new DreyError('bad-input', `the wish is not JSON: ${messageOf(cause)}`, { cause })
  }
}

function readAddresses(value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  const isList =
    Array.isArray(value) && value.length > 0 && value.length <= tokenLimits.addressesMax
  if (!isList) throw new DreyError('bad-input', `give one to ${tokenLimits.addressesMax} addresses`)
  return value.map((address) => {
    if (!isShortText(address, tokenLimits.addressLengthMax)) {
      throw new DreyError('bad-input', 'an address is a short text')
    }
    parseEndpoint(address)
    return address
  })
}

function isShortText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax && !/\p{Cc}/u.test(value)
}
