import {
  appendFile,
  copyFile,
  readFile,
  rename,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { between, type Random } from '../base/random.ts'

/** Does something to a file behind its store's back, perhaps with `other`; names those that are not what they were. */
export type Harm = (file: string, other: string, random: Random) => Promise<string[]>

/** What happens to files of shards on real machines, for tests. */
export const harms: Readonly<Record<string, Harm>> = {
  'a bit flipped': async (file, _, random) => {
    const bytes = await readFile(file)
    const at = between(random, 0, bytes.length)
    await writeFile(file, bytes.with(at, bytes[at]! ^ (1 << between(random, 0, 8))))
    return [file]
  },
  'the end lost': async (file, _, random) => {
    const { length } = await readFile(file)
    await truncate(file, between(random, 0, length))
    return [file]
  },
  'something added': async (file, _, random) => {
    await appendFile(file, random.bytes(between(random, 1, 100)))
    return [file]
  },
  'other bytes of the same length': async (file, _, random) => {
    const bytes = await readFile(file)
    const from = between(random, 0, bytes.length - 8)
    bytes.set(random.bytes(between(random, 8, bytes.length - from + 1)), from)
    await writeFile(file, bytes)
    return [file]
  },
  'the file of another': async (file, other) => {
    await copyFile(other, file)
    return [file]
  },
  'two files swapped': async (file, other) => {
    const aside = `${file}.aside`
    await rename(file, aside)
    await rename(other, file)
    await rename(aside, other)
    return [file, other]
  },
  deleted: async (file) => {
    await unlink(file)
    return [file]
  },
}
