import { readFileSync } from 'node:fs'

/** Drey's own. */
export function version(): string {
  // Two folders up, from src/daemon and from dist/daemon alike.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
