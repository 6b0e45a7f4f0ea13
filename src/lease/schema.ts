import type { Schema } from './database.ts'

/**
 * - block: those that any lease was ever for, and that are kept here; `bytes` of their shards. Nobody wants one
 *   with `since`: for that long, in the book's own time
 * - lease: `expires` is 0 for never, and since `over`, in the book's own time, it has. Those that have `ended`
 *   are here until their rows in `leased` have gone. One that somebody has changed on its way is another
 *   one, which ends with the same secret
 * - leased: which lease covers which block
 * - ended: secrets that were told, in the order in which they were learnt here
 * - heard: how far the ended ones of others were read
 * - own: the leases that this node made, and what for; `catalog` is 1 when that is the list of all others
 * - about `changes`: how often that list has changed; `told`: until which change others have been told
 */
export const schema: Schema = {
  version: 2,
  of: 'leases',
  upgrades: [
    `ALTER TABLE own ADD COLUMN catalog INTEGER NOT NULL DEFAULT 0;
    ${listing()}
    INSERT INTO about (name, value) VALUES ('changes', 1), ('told', 0)`,
  ],
  sql: `
  CREATE TABLE about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE block (row INTEGER PRIMARY KEY, address BLOB NOT NULL UNIQUE, bytes INTEGER NOT NULL, since INTEGER);
  CREATE INDEX unwanted ON block (since) WHERE since IS NOT NULL;
  CREATE TABLE owner (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);
  CREATE TABLE lease (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, owner INTEGER NOT NULL, made INTEGER NOT NULL,
    expires INTEGER NOT NULL, over INTEGER, ended INTEGER NOT NULL DEFAULT 0, UNIQUE (id, owner, made, expires)
  );
  CREATE INDEX expiring ON lease (expires) WHERE expires > 0;
  CREATE INDEX finished ON lease (row) WHERE ended = 1;
  CREATE TABLE leased (block INTEGER NOT NULL, lease INTEGER NOT NULL, PRIMARY KEY (block, lease)) WITHOUT ROWID;
  CREATE INDEX covered ON leased (lease, block);
  CREATE TABLE ended (row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, secret BLOB NOT NULL);
  CREATE TABLE heard (member TEXT PRIMARY KEY, log TEXT NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE own (
    id TEXT PRIMARY KEY, secret BLOB NOT NULL, made INTEGER NOT NULL, expires INTEGER NOT NULL,
    name TEXT, root TEXT, size INTEGER, catalog INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE INDEX root ON own (root);
  ${listing()}
`,
}

/** What makes a list of `own`: its order, and a count of its changes. */
function listing(): string {
  const trigger = (name: string, when: string, row: string) =>
    `CREATE TRIGGER ${name} AFTER ${when} ON own WHEN ${row}.root IS NOT NULL AND ${row}.catalog = 0
    BEGIN UPDATE about SET value = value + 1 WHERE name = 'changes'; END;`
  return `CREATE INDEX listed ON own (made, id) WHERE root IS NOT NULL AND catalog = 0;
  ${trigger('own_begun', 'INSERT', 'NEW')}
  ${trigger('own_finished', 'UPDATE OF root', 'NEW')}
  ${trigger('own_ended', 'DELETE', 'OLD')}`
}
