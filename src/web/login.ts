import { collect } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { bytesReply, type DoorReply, type DoorRequest } from '../gateway/door.ts'
import type { Guard } from './guard.ts'
import { escaped, pageEnd, pageHeaders, pageStart } from './page.ts'
import type { Route } from './route.ts'

const formBytesMax = 4_096

/** `GET /login` and `POST /login`: a browser shows the token once, and has a cookie that reads from then on. */
export function loginRoutes(guard: Pick<Guard, 'logIn'>): Route[] {
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
      answer: ({ request }) => logIn(guard, request),
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

async function logIn(guard: Pick<Guard, 'logIn'>, { body }: DoorRequest): Promise<DoorReply> {
  const form = new URLSearchParams(Buffer.from(await collect(bounded(body))).toString('utf8'))
  const next = safePath(form.get('next'))
  const cookie = guard.logIn(form.get('token')?.trim() ?? '')
  if (cookie === undefined) return loginPage(401, next)
  return bytesReply(new Uint8Array(), { location: next, 'set-cookie': cookie }, 303)
}

/** A path of this door and nothing else: whoever sends people here does not choose where they end. */
function safePath(text: string | null): string {
  return text !== null && /^\/(?![/\\])[^\p{Cc}\\]*$/u.test(text) ? text : '/login'
}

async function* bounded(body: DoorRequest['body']): DoorRequest['body'] {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > formBytesMax) throw new DreyError('bad-input', 'this form is too long')
    yield chunk
  }
}
