import { readdirSync, readFileSync } from 'node:fs'

// npm run bench -- NAME [arguments]

interface Bench {
  run(args: string[]): Promise<void>
}

/** Every file here that offers `run`, with the first sentence above it. */
function benches(): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of readdirSync(import.meta.dirname).sort()) {
    const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
    const offered = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export async function run\(/.exec(text)
    if (offered === null || file === 'main.ts') continue
    const [about = ''] = offered[1]!
      .replace(/\s*\n \* ?/g, ' ')
      .trim()
      .split(/(?<=\.)\s/)
    found.set(file.replace(/\.ts$/, ''), about)
  }
  return found
}

const [name = '', ...args] = process.argv.slice(2)
const known = benches()
if (known.has(name)) {
  const bench = (await import(`./${name}.ts`)) as Bench
  await bench.run(args)
} else {
  if (name !== '') console.error(`There is no bench called "${name}".`)
  console.log('npm run bench -- NAME [arguments]\n')
  for (const [bench, about] of known) console.log(`  ${bench.padEnd(12)} ${about}`)
  process.exitCode = name === '' ? 0 : 1
}
