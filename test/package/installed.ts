import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
}

/** An empty project that has installed Drey. */
export interface Installed {
  readonly folder: string
  /** What npm has packed, by its path in the package. */
  readonly files: readonly string[]
}

/**
 * Builds and packs Drey as it is published, and installs that where nothing else is: what is missing in the package, or
 * in its list of dependencies, is missing there. Dependencies are links to the clone's own, so no network is needed.
 */
export function installDrey(home: string): Installed {
  const staged = join(home, 'staged')
  const folder = join(home, 'project')
  const modules = join(folder, 'node_modules')
  const { files, dependencies } = JSON.parse(read('package.json')) as Manifest
  mkdirSync(staged)
  for (const path of ['package.json', ...files.filter((file) => !/^!|^dist$/.test(file))]) {
    cpSync(join(root, path), join(staged, path), { recursive: true })
  }
  run(process.execPath, [join(root, 'scripts/build.mjs'), join(staged, 'dist')])
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--offline'], { cwd: staged }),
  ) as [{ filename: string; files: { path: string }[] }]

  mkdirSync(join(modules, 'drey'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const unpack = ['-xzf', join(staged, packed.filename), '--strip-components=1']
  run('tar', [...unpack, '-C', join(modules, 'drey')])
  for (const name of [...Object.keys(dependencies), '@types/node']) link(name, modules)
  return { folder, files: packed.files.map(({ path }) => path) }
}

/** Runs a program to its end, which is to be a good one; says what it has printed. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = root }: { cwd?: string } = {},
): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // A test that runs tests says so to them.
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env })
  assert.equal(error, undefined)
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout.toString()
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function link(name: string, modules: string): void {
  const path = join(modules, name)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(join(root, 'node_modules', name), path)
}
