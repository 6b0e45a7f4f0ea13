import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { DoorRequest } from '../gateway/door.ts'
import { Recent } from './recent.ts'
import type { Reader } from './readings.ts'
import { Refusal } from './refusal.ts'

/** What is needed for a request: nothing; the token, or a link's key; the token. */
export type Access = 'open' | 'key' | 'token'

export interface GuardParts {
  readonly token: string
  /** Where the door listens: "127.0.0.1:7480". */
  readonly address: string
  /** Names besides "localhost" that lead here. */
  readonly hosts: readonly string[]
  readonly clock: Clock
}

const sessionMs = 12 * 3_600_000 // A day's work; then the token is asked for again.
const sessionsMax = 64
const cookie = 'drey-session'

/**
 * Says who may ask. That a request comes from this machine means nothing: browsers come from it too, with
 * whatever page is open in them, and so do its other users. The token may do everything; a session, which a
 * browser gets for the token, may read; and a link's key reads what it opens.
 */
export class Guard {
  readonly #parts: GuardParts
  readonly #token: Uint8Array
  readonly #sessions = new Recent<number>(sessionsMax)

  constructor(parts: GuardParts) {
    this.#parts = parts
    this.#token = digestOf(parts.token)
  }

  /** Throws a refusal, unless this may be answered; says as what kind of reader. */
  admit(request: DoorRequest, access: Access): Reader {
    this.#checkHost(request)
    checkOrigin(request)
    if (access === 'open') return 'stranger'
    if (this.#isTrusted(request)) return 'trusted'
    if (access === 'key' && isReading(request) && hasKey(request)) return 'stranger'
    const how = '"drey http-token" prints it; send it as "Authorization: Bearer TOKEN"'
    throw new Refusal(401, `this takes the token: ${how}`, {
      'www-authenticate': 'Bearer realm="drey"',
    })
  }

  /** A cookie for a browser that has shown the token; `undefined` when it was another one. */
  logIn(token: string): string | undefined {
    if (!this.#isToken(token)) return undefined
    const session = randomBytes(32).toString('base64url')
    this.#sessions.set(session, this.#parts.clock.now() + sessionMs)
    return `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionMs / 1000}`
  }

  /**
   * A page whose name was made to lead to this machine (DNS rebinding) would be of our origin for its browser,
   * but its requests still say that name. An address of the machine cannot be made to lead anywhere else.
   */
  #checkHost({ headers }: DoorRequest): void {
    const host = hostOf(headers.host ?? '')
    const own = hostOf(this.#parts.address)
    const isEverywhere = own === '0.0.0.0' || own === '::'
    const known = ['localhost', '127.0.0.1', '::1', own, ...this.#parts.hosts.map(lowered)]
    if (known.includes(host) || (isEverywhere && isIP(host) > 0)) return
    throw new Refusal(
      421,
      `"${host}" is not known to lead here: name it in the config's "httpHosts"`,
    )
  }

  #isTrusted(request: DoorRequest): boolean {
    const { headers, query } = request
    const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return this.#isToken(bearer)
    if (!isReading(request)) return false
    const token = query.get('token')
    return token === null ? this.#hasSession(headers.cookie ?? '') : this.#isToken(token)
  }

  #isToken(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.#token)
  }

  #hasSession(cookies: string): boolean {
    const values = cookies.split(/; */).filter((one) => one.startsWith(`${cookie}=`))
    const { clock } = this.#parts
    return values.some(
      (one) => clock.now() < (this.#sessions.get(one.slice(cookie.length + 1)) ?? 0),
    )
  }
}

/**
 * Pages of other origins can send requests, and the browser says whose they are. They may lead here (a link in
 * a letter), and that is all: nothing is written for them, and nothing shows up inside them.
 */
function checkOrigin(request: DoorRequest): void {
  const { origin, host = '', 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
  const isForeign = site === 'cross-site' || site === 'same-site'
  const isOurs = origin === undefined || origin.replace(/^https?:\/\//, '') === host
  const mayPass = isReading(request) ? !isForeign || mode === 'navigate' : !isForeign && isOurs
  if (mayPass) return
  throw new Refusal(403, 'this was sent by a page of another origin: open it here instead')
}

export function isReading({ method }: DoorRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The key of a link, in base64url: `?key=`, or the header `drey-key`. */
export function keyTextOf({ query, headers }: DoorRequest): string | undefined {
  return query.get('key') ?? headers['drey-key']
}

function hasKey(request: DoorRequest): boolean {
  return keyTextOf(request) !== undefined
}

/** Without the port: "[::1]:7480" is "::1". */
function hostOf(text: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d*)?$/.exec(text)
  return lowered(match?.[1] ?? match?.[2] ?? '')
}

function lowered(text: string): string {
  return text.toLowerCase()
}

/** Of the same length whatever the text, so that comparing takes as long. */
function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
