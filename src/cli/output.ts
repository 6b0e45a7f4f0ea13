import { DreyError, messageOf, type ErrorCode } from '../base/error.ts'

export { formatSize } from '../base/size.ts'

/** How a command ends, for scripts. 0 is success; 130 is Ctrl-C; 1 is a mistake of Drey's own. */
export const exitCodes: Record<ErrorCode, number> = {
  'bad-input': 2,
  'not-found': 3,
  'not-enough-shards': 4,
  'not-enough-members': 5,
  full: 6,
  'no-read-secret': 7,
  'not-a-member': 7,
  'not-allowed': 7,
  'bad-passphrase': 7,
  unreachable: 8,
  timeout: 8,
  busy: 8,
  corrupt: 9,
  protocol: 9,
  'cannot-write': 10,
}

export const interruptedCode = 130

export function exitCodeOf(error: unknown): number {
  return error instanceof DreyError ? exitCodes[error.code] : 1
}

/** What every command is told besides its own options. */
export interface Global {
  readonly data?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** A result: one JSON object on stdout, or words. */
export function say({ json }: Global, value: object, words: string): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${words}\n`)
}

/** Something beside the result: on stderr, so that stdout can be piped. */
export function note({ quiet, json }: Global, words: string): void {
  if (!quiet && !json) process.stderr.write(`${words}\n`)
}

/** Tells a failure, and what code the process should end with. */
export function tellFailure(global: Global, error: unknown): number {
  const code = error instanceof DreyError ? error.code : 'internal'
  if (global.json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`)
  } else {
    process.stderr.write(`drey: ${messageOf(error)}\n`)
    if (code === 'internal' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  }
  return exitCodeOf(error)
}

/** "512MiB", "1.5 GB", "1000". Binary and decimal units, case and the final B do not matter. */
export function parseSize(text: string): number {
  const match = /^([\d.]+)\s*([kmgtp]?)(i?)b?$/i.exec(text.trim())
  const power = ['', 'k', 'm', 'g', 't', 'p'].indexOf(match?.[2]?.toLowerCase() ?? '')
  const size = Number(match?.[1]) * (match?.[3] ? 1024 : 1000) ** power
  if (match === null || !Number.isFinite(size)) {
    throw new DreyError(
      'bad-input',
      `not a size: "${text}"; write 512MiB, 20GB or a number of bytes`,
    )
  }
  return Math.round(size)
}
