#!/usr/bin/env node
import { fileURLToPath } from 'node:url'

/**
 * How a node's process has to be started to stay small and quick; each is measured in
 * docs/decisions/process-settings.md. None can be set from inside, so the process begins anew in its own
 * place, once.
 */
const flags = [
  '--optimize-for-size', // 1.5 MB of heap.
  '--max-semi-space-size=1', // Its memory is its buffers: the garbage is small.
  '--max-old-space-size=128', // Ten times what is used; without a bound, garbage is left to grow for long.
  // Its work is native or WebAssembly: compiling the JavaScript around it costs more than it gives.
  ...['--no-opt', '--no-maglev', '--no-sparkplug'],
]
const environment: Record<string, string> = {
  UV_THREADPOOL_SIZE: '16', // Shards wait for the disk side by side, not four at a time.
  MALLOC_ARENA_MAX: '1', // An arena for each thread would keep what another could use.
}
if (import.meta.filename.endsWith('.ts')) {
  // From a clone: Node keeps what it has compiled, or every process and thread would pay 12 MB for the types.
  const cache = new URL('../../node_modules/.cache/drey', import.meta.url)
  environment.NODE_COMPILE_CACHE = fileURLToPath(cache)
}

const isSet =
  flags.every((flag) => process.execArgv.includes(flag)) &&
  Object.keys(environment).every((name) => process.env[name] !== undefined) &&
  !process.env.NODE_EXTRA_CA_CERTS

if (!isSet && process.execve !== undefined && process.platform !== 'win32') {
  const args = [...process.execArgv, ...flags, import.meta.filename, ...process.argv.slice(2)]
  // A swarm has its own authority: the machine's are nothing to it, and would be loaded (1 MB).
  const settings = { ...environment, ...process.env, NODE_EXTRA_CA_CERTS: '' }
  process.execve(process.execPath, [process.execPath, ...args], settings)
}

const { run } = await import('./program.ts')
process.exitCode = await run(process.argv)
