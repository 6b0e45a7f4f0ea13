#!/usr/bin/env node
// Files and their syncs wait on libuv's threads; four of them would wait in line (measured).
process.env.UV_THREADPOOL_SIZE ??= '16'

const { run } = await import('./program.ts')
process.exitCode = await run(process.argv)
