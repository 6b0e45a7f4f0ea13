// Fetches what Drey is built from, when it is not there. Plain JavaScript without dependencies: this
// runs on the machine's own Node, before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const windows = process.platform === 'win32'
const bundled = join(root, 'node_modules/node/bin', windows ? 'node.exe' : 'node')

/** Installs when needed, and returns the path of a Node that runs Drey. Ends the process if it cannot. */
export function install() {
  if (!isInstalled()) {
    console.error('Installing what Drey is built from; this takes a minute, once.')
    // Warnings are npm's about itself; errors remain. The Node to run with is a development dependency.
    const wanted = ['ci', '--include=dev', '--loglevel=error']
    // Standard output belongs to what runs afterwards.
    const npm = spawnSync('npm', wanted, { cwd: root, stdio: ['ignore', 2, 2], shell: windows })
    if (npm.status !== 0) fail('Installing failed; the lines above say why. Then try again.')
    compile()
  }
  if (existsSync(bundled)) return bundled
  if (Number.parseInt(process.versions.node) >= 24) return process.execPath
  return fail(
    `Drey needs Node 24, and this is Node ${process.versions.node}. A Node 24 comes with the project, ` +
      'but npm was told not to run install scripts. Run\n\n' +
      '    npm rebuild node --ignore-scripts=false\n\nand try again, or use Node 24 or newer yourself.',
  )
}

/**
 * Has Node keep our files compiled, types stripped: the first node to start would pay 12 MB of memory for
 * it. When it does not work, that is all there is to lose.
 */
function compile() {
  if (existsSync(bundled))
    spawnSync(bundled, [join(root, 'src/cli/main.ts'), 'warm'], { stdio: 'ignore' })
}

/** Whether node_modules has what package-lock.json asks for; npm itself keeps the list of what is there. */
function isInstalled() {
  const wanted = readPackages('package-lock.json')
  const present = readPackages('node_modules/.package-lock.json')
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true // Drey itself.
    return present[path] === undefined ? optional === true : present[path].version === version
  })
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

// Asked for by name (`node scripts/install.mjs`), this is all there is to do.
if (process.argv[1] === fileURLToPath(import.meta.url)) install()
