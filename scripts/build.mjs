// Makes dist/, or the folder that is named: what the published package runs. JavaScript and declarations of what the
// library and the command reach, by tsc; the rest copied.
//
//   node scripts/build.mjs [FOLDER]
import { cpSync, rmSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const target = resolve(process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url)))
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync(target, { recursive: true, force: true })

const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', target]
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })

const copied = ['', '.wasm', '.html', '.css', '.svg'] // '' are folders.
cpSync('src', target, { recursive: true, filter: (path) => copied.includes(extname(path)) })
process.exitCode = status ?? 1
