import { randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { mapAhead } from '../base/flow.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { syncFolder, writeDurably } from './durable.ts'
import { ifThere } from './errno.ts'
import { subfolders } from './shardName.ts'

const version = 1
const ours = new Set(['shards', 'quarantine', 'tmp', 'store.json', 'lock'])
const ofTheDisk = 'lost+found' // At the top of a disk that has nothing else yet.
const foldersAtOnce = 16

/**
 * The folder of a disk store:
 *
 *     store.json      what this is, and its version
 *     shards/XX/      the shards, spread over 1,024 folders that are there from the beginning
 *     quarantine/     files that rotted; nobody reads them again
 *     tmp/            files that are not finished; emptied when the store is opened
 *     lock            names the process that has the store open
 */
export class DiskFolder {
  readonly path: string

  constructor(path: string) {
    this.path = resolve(path)
  }

  shards(subfolder: string): string {
    return join(this.path, 'shards', subfolder)
  }

  quarantined(file: string): string {
    return join(this.path, 'quarantine', file)
  }

  temporary(file: string): string {
    return join(this.path, 'tmp', file)
  }

  /** Throws 'bad-input' when this folder is somebody else's, or of a newer Drey. */
  async check(): Promise<void> {
    const refuse = (why: string) => new DreyError('bad-input', `${this.path}: ${why}`)
    const text = await ifThere(readFile(join(this.path, 'store.json'), 'utf8'))
    if (text === undefined) {
      const strange = (await readdir(this.path)).find((name) => !isOurs(name))
      if (strange === undefined) return
      throw refuse(`it is not a store, and not empty (it has "${strange}"); choose another folder`)
    }
    let seen: unknown
    try {
      seen = (JSON.parse(text) as { version?: unknown }).version
    } catch (cause) {
      throw refuse(`store.json cannot be read: ${messageOf(cause)}`)
    }
    if (seen === version) return
    throw refuse(
      `the store has the format ${String(seen)}, this Drey reads ${version}: start a newer Drey`,
    )
  }

  /** Makes what is missing, such as empty folders that a copy left out, and removes unfinished files. */
  async prepare(): Promise<void> {
    for (const name of ['tmp', 'quarantine', 'shards']) await this.#makeFolder(name)
    await each(await readdir(this.temporary('')), (name) =>
      rm(this.temporary(name), { recursive: true }),
    )
    const there = new Set(await readdir(this.shards('')))
    const missing = subfolders.filter((subfolder) => !there.has(subfolder))
    await each(missing, (subfolder) => this.#makeFolder(join('shards', subfolder)))
    if (missing.length > 0) await syncFolder(this.shards(''))
    await this.#sign() // Last: what is signed is whole.
  }

  /** Makes every name durable that a killed process had given and not synced. */
  async syncNames(): Promise<void> {
    for (const folder of [this.path, this.shards('')]) await syncFolder(folder)
    await each(subfolders, (subfolder) => syncFolder(this.shards(subfolder)))
  }

  async #sign(): Promise<void> {
    const path = join(this.path, 'store.json')
    if ((await ifThere(stat(path))) !== undefined) return
    const content = Buffer.from(`${JSON.stringify({ format: 'drey store', version })}\n`)
    await syncFolder(dirname(this.path)) // Whoever made it may have been killed before it did this.
    await writeDurably({ temporary: this.temporary(randomUUID()), path }, [content], { sync: true })
  }

  async #makeFolder(name: string): Promise<void> {
    await mkdir(join(this.path, name), { recursive: true, mode: 0o700 })
  }
}

function isOurs(name: string): boolean {
  return ours.has(name) || name === ofTheDisk || name.startsWith('lock.')
}

async function each(names: readonly string[], work: (name: string) => Promise<void>) {
  for await (const _ of mapAhead(names, foldersAtOnce, work));
}
