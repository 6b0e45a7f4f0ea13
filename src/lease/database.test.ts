import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { openDatabase, type Database } from './database.ts'

const schema = { version: 1, of: 'things', sql: 'CREATE TABLE thing (name TEXT)' }
const namesIn = (database: Database) =>
  database.all('SELECT name FROM thing').map(({ name }) => name)

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'drey-database-'))))
after(() => rm(folder, { recursive: true }))

it('A database that is opened relies on no log that a process before it may have failed to sync', async () => {
  const [running, killed, cut] = ['running', 'killed', 'cut'].map((name) => join(folder, name))
  await using first = await openDatabase(running!, schema)
  await first.write(() => first.run("INSERT INTO thing VALUES ('oak')"))
  for (const end of ['', '-wal']) await copyFile(running! + end, killed! + end)
  await using second = await openDatabase(killed!, schema)
  await copyFile(killed!, cut!) // As a power cut leaves it that takes the log.

  await using third = await openDatabase(cut!, schema)
  for (const each of [first, second, third]) assert.deepEqual(namesIn(each), ['oak'])
})
