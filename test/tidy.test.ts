import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.d.ts'))

/** Lower rooms first; rooms on one floor do not know each other. */
const floors = [
  ['base'],
  ['address'],
  ['crypto'],
  ['coding'],
  ['manifest'],
  ['pipe'],
  ['store', 'transport'],
  ['discovery', 'lease'],
  ['names'],
  ['node'],
  ['folder'],
  ['mend'],
  ['gateway'],
  ['web'],
  ['daemon'],
]
/** Who stands outside the house, and what it may use. Types weigh nothing, so they are not counted. */
const outside: Record<string, string[]> = {
  cli: ['base', 'address', 'folder', 'gateway', 'daemon'],
  library: ['base', 'address', 'folder', 'gateway', 'daemon'],
}

interface Import {
  readonly from: string
  readonly to: string
  readonly isType: boolean
}

/** What a file imports: files by their path, packages by their name. */
function importsOf(file: string): Import[] {
  const statement = /^(?:import|export)\s+(type\s+)?(?:[\w\s{},*$]*?\sfrom\s+)?'([^']+)'/gm
  return Array.from(read(file).matchAll(statement), ([, type, name]) => ({
    from: file,
    to: name!.startsWith('.') ? join(file, '..', name!) : name!,
    isType: type !== undefined,
  }))
}

const imports = sources.flatMap(importsOf)
const show = ({ from, to }: Import) => `${from} imports ${to}`
const roomOf = (file: string) => /^src\/(\w+)\//.exec(file)?.[1]

function pointsDown({ from, to, isType }: Import): boolean {
  const [here, there] = [roomOf(from), roomOf(to)]
  if (here === undefined || there === undefined || here === there) return true // index.ts, packages.
  const allowed = outside[here]
  if (allowed !== undefined) return isType || allowed.includes(there)
  const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room))
  return floorOf(there) >= 0 && floorOf(there) < floorOf(here)
}

/** The first circle found, as a path of files. Types are gone when the program runs. */
function findCycle(): string[] {
  const done = new Set<string>()
  const walk = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    done.add(file)
    const next = imports.filter(({ from, isType }) => from === file && !isType)
    return next.map(({ to }) => walk(to, [...path, file])).find((cycle) => cycle.length > 0) ?? []
  }
  return sources.map((file) => walk(file, [])).find((cycle) => cycle.length > 0) ?? []
}

describe('The house', () => {
  it('has only rooms that stand on a floor', () => {
    const known = new Set([...floors.flat(), ...Object.keys(outside)])

    assert.deepEqual(
      sources.filter((file) => !known.has(roomOf(file) ?? 'base')),
      [],
    )
  })

  it('has imports between rooms only downward', () => {
    assert.deepEqual(imports.filter((one) => !pointsDown(one)).map(show), [])
  })

  it('has no circles of imports', () => {
    assert.deepEqual(findCycle(), [])
  })

  it('sees the surprises of node:tls in one file', () => {
    const users = imports.filter(({ to }) => to === 'node:tls').map(({ from }) => from)

    assert.deepEqual(
      users.filter((file) => file !== 'src/transport/tls.ts'),
      [],
    )
  })

  it('has files that are read in one sitting', () => {
    assert.deepEqual(
      sources.filter((file) => read(file).split('\n').length > 301),
      [],
    )
  })

  it('leaves nothing for later', () => {
    const written = ['{src,test,bench,scripts,docs}/**/*.{ts,mjs,md}', '*.md']
    const later = /\b(T[O]DO|FIX[M]E)\b/

    assert.deepEqual(
      globSync(written, { cwd: root }).filter((file) => later.test(read(file))),
      [],
    )
  })
})

describe('The lock of packages', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>
  }

  it('names no address to fetch from, so that any registry will do', () => {
    const resolved = Object.entries(lock.packages).filter(([, entry]) => 'resolved' in entry)

    assert.deepEqual(resolved, [])
  })

  it('knows the packages of every platform, or npm ci refuses it', () => {
    const optional = Object.values(lock.packages).flatMap((entry) =>
      Object.keys(entry.optionalDependencies ?? {}),
    )

    assert.deepEqual(
      optional.filter((name) => lock.packages[`node_modules/${name}`] === undefined),
      [],
    )
  })
})
