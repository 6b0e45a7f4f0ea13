// Makes dist/: what the published package runs. JavaScript and declarations by tsc, the rest copied.
import { cpSync, rmSync } from 'node:fs'
import { extname } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('dist', { recursive: true, force: true })

const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })

const copied = ['', '.wasm', '.html', '.css', '.svg'] // '' are folders.
cpSync('src', 'dist', { recursive: true, filter: (path) => copied.includes(extname(path)) })
process.exitCode = status ?? 1
