import { collect, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { bytesReply, type DoorReply, type DoorRequest } from '../gateway/door.ts'
import type { Guard } from './guard.ts'
import { escaped, pageEnd, pageHeaders, pageStart } from './page.ts'
import { Refusal } from './refusal.ts'
import type { Route } from './route.ts'

const formBytesMax = 4_096
const formMs = 10_000

export interface LoginParts {
  readonly guard: Pick<Guard, 'logIn'>
  readonly clock: Clock
}

/** `GET /login` and `POST /login`: a browser shows the token once, and has a cookie that reads from then on. */
export function loginRoutes(parts: LoginParts): Route[] {
  return [
    {
      method: 'GET',
      path: '/login',
      access: 'open',
      answer: async ({ request }) => loginPage(200, safePath(request.query.get('next'))),
    },
    {
      method: 'POST',
      path: '/login',
      access: 'open',
      answer: ({ request }) => logIn(parts, request),
    },
  ]
}

/** Asks for the token, and leads on to `next`. */
export function loginPage(status: number, next: string): DoorReply {
  const text = Buffer.from(
    `${pageStart('Drey')}<h1>This takes the node’s token</h1>\n` +
      '<p class="quiet">“drey http-token” prints it, on the machine where the node runs.</p>\n' +
      '<form method="post" action="/login"><input type="password" name="token" autofocus required ' +
      `aria-label="token"> <button>Open</button><input type="hidden" name="next" value="${escaped(next)}">` +
      `</form>\n${pageEnd}`,
  )
  const headers = {
    ...pageHeaders,
    'referrer-policy': 'same-origin', // Without it, browsers do not say whose form it is.
  }
  return bytesReply(text, headers, status)
}

async function logIn({ guard, clock }: LoginParts, { body }: DoorRequest): Promise<DoorReply> {
  const form = await readForm(body, clock)
  const next = safePath(form.get('next'))
  const cookie = guard.logIn(form.get('token')?.trim() ?? '')
  if (cookie === undefined) return loginPage(401, next)
  return bytesReply(new Uint8Array(), { location: next, 'set-cookie': cookie }, 303)
}

/** A path of this door and nothing else: whoever sends people here does not choose where they end. */
function safePath(text: string | null): string {
  return text !== null && /^\/(?![/\\])[!-[\]-~]*$/.test(text) ? text : '/login'
}

/** Nobody has shown anything yet: it has to be short, and to come soon. */
async function readForm(body: Bytes, clock: Clock): Promise<URLSearchParams> {
  const here = new AbortController()
  const late = clock.sleep(formMs, here.signal).then(() => {
    throw new Refusal(408, `the form did not come within ${formMs / 1000} seconds`)
  })
  late.catch(() => {}) // It was here in time.
  try {
    const text = await Promise.race([collect(bounded(body)), late])
    return new URLSearchParams(Buffer.from(text).toString('utf8'))
  } finally {
    here.abort()
  }
}

async function* bounded(body: Bytes): Bytes {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > formBytesMax) throw new DreyError('bad-input', 'this form is too long')
    yield chunk
  }
}
