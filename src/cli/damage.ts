import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataFolder } from '../daemon/folder.ts'

/** A shard's file in a node's store, as its name says. */
export interface ShardFile {
  readonly path: string
  readonly block: string
  readonly index: number
}

/** The files of a node's shards. */
export async function* shardFiles(folder: DataFolder): AsyncGenerator<ShardFile> {
  const shards = join(folder.store, 'shards')
  for (const part of await readdir(shards)) {
    for (const name of await readdir(join(shards, part))) {
      const [block, , index] = name.split('.')
      yield { path: join(shards, part, name), block: block!, index: Number(index) }
    }
  }
}

/** Turns one bit around in the last byte of a file, behind its owner's back. */
export async function flipByte(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  const { size } = await file.stat()
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, size - 1)
  byte[0]! ^= 1
  await file.write(byte, 0, 1, size - 1)
}
