import { rename } from 'node:fs/promises'
import { ifThere } from '../store/errno.ts'
import { openDatabase, type Database, type Schema } from './database.ts'

/** Opens a database; a damaged one is set aside, `told` of where to, and a new one is in its place. */
export async function openOrSetAside(
  path: string,
  schema: Schema,
  told: (error: unknown, aside: string) => void,
): Promise<Database> {
  try {
    return await openDatabase(path, schema)
  } catch (error) {
    if (!isDamage(error)) throw error
    const aside = `${path}.damaged-${Date.now()}`
    told(error, aside)
    await rename(path, aside)
    await ifThere(rename(`${path}-wal`, `${aside}-wal`))
    return openDatabase(path, schema)
  }
}

const damages = [11, 26] // SQLITE_CORRUPT, SQLITE_NOTADB.

function isDamage(error: unknown): boolean {
  return damages.includes((error as { errcode?: number }).errcode ?? 0)
}
