// What stands behind `npm run …`: installs when needed, then runs with the project's own Node 24.
//
//   node scripts/run.mjs test|soak|check|build|docs [arguments]
//   node scripts/run.mjs FILE.ts [arguments]
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = install()

const testMs = 240_000 // A file takes a minute at most; one that hangs is named.
const tests = ['src/**/*.test.ts', 'test/*.test.ts', 'test/!(soak)/**/*.test.ts']
const tasks = {
  test: (args) => run(testing(tests, [`--test-timeout=${testMs}`, ...args])),
  soak: (args) => run(testing(['test/soak/**/*.test.ts'], args)),
  check: () =>
    runAll(
      ['node_modules/typescript/bin/tsc', '-p', '.'],
      ['node_modules/eslint/bin/eslint.js', '.'],
      ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
    ),
  build: () => runAll(['scripts/build.mjs']),
  docs: () => runAll(['node_modules/typedoc/bin/typedoc']),
}

const [task = '', ...args] = process.argv.slice(2)
if (Object.hasOwn(tasks, task)) await tasks[task](args)
else if (/\.(ts|mjs)$/.test(task)) await run([task, ...args])
else {
  console.error(`nothing is called "${task}" here; there are ${Object.keys(tasks).join(', ')}`)
  process.exitCode = 1
}

/** Node's test runner over `patterns`, or over the files that were named instead. */
function testing(patterns, args) {
  const named = args.some((arg) => arg.endsWith('.ts'))
  // Two at a time even on two cores: most tests wait for disks and sockets.
  const concurrency = Math.max(2, availableParallelism() - 1)
  return [
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=./scripts/reporter.mjs',
    ...args,
    ...(named ? [] : patterns),
  ]
}

/** One after the other, all of them, so that one look shows everything; fails when one has failed. */
async function runAll(...commands) {
  let failure = 0
  for (const command of commands) {
    await run(command)
    failure ||= process.exitCode
  }
  process.exitCode = failure
}

/** Runs Node, passes signals to it, and takes over how it ended. */
function run(command) {
  const child = spawn(node, command, { cwd: root, stdio: 'inherit' })
  const forward = (signal) => {
    // Ctrl-C in a terminal reaches the child by itself; we only wait for what it does about it.
    if (signal !== 'SIGINT' || ![0, 1, 2].some(isatty)) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward)
      if (signal !== null) process.kill(process.pid, signal)
      process.exitCode = code ?? 1
      resolve()
    })
  })
}
