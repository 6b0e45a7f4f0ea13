import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs the real command line in a process of its own, with `input` as its stdin. */
export async function drey(
  args: readonly string[],
  input?: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { stdio: 'pipe' })
  child.stdin.on('error', () => {}) // A command may end before it has read all: its code tells.
  const said = Promise.all([once(child, 'close'), buffer(child.stdout), buffer(child.stderr)])
  if (input instanceof Uint8Array) child.stdin.write(input)
  else if (input !== undefined) for await (const chunk of input) child.stdin.write(chunk)
  child.stdin.end()
  const [ended, stdout, stderr] = await said
  return { code: ended[0] as number | null, stdout, stderr: stderr.toString() }
}
