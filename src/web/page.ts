import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; --ink: #222; --quiet: #777; --line: #ddd; --link: #1a5fb4; --paper: #fdfcfa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --quiet: #999; --line: #3a3a3a; --link: #8ab8f0; --paper: #1b1b1a }
}
body { margin: 3rem auto; max-width: 52rem; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% }
td, th { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: left; font-weight: normal }
th { color: var(--quiet); font-size: .85rem }
td:first-child { overflow-wrap: anywhere } .n { text-align: right; white-space: nowrap; color: var(--quiet);
  font-variant-numeric: tabular-nums }
code, .quiet { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere }
input, button { font: inherit; padding: .35rem .6rem } input { width: 26rem; max-width: 100% }
`

const hash = createHash('sha256').update(style).digest('base64')

/** For pages of our own: nothing is loaded and nothing runs; a form leads back here. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
} as const

/** A page begins with this, */
export function pageStart(title: string): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width">`
  return `<!doctype html><html lang="en"><head>${head}<title>${escaped(title)}</title><style>${style}</style></head><body>\n`
}

/** and ends with that. */
export const pageEnd = '</body></html>\n'

/** Text as it stands in HTML, in an attribute too. */
export function escaped(text: string): string {
  const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (sign) => signs[sign]!)
}
