import type { Schema } from '../lease/database.ts'

/**
 * - chain: the certificates that signers have shown, each once, and whom they vouch for (JSON)
 * - entry: what was signed; `bucket` is the first byte of its hash. Of a slot the first by version, time,
 *   signer and hash counts, some more are its history
 */
export const schema: Schema = {
  version: 1,
  of: 'names',
  reservedBytes: 0, // Nothing that is said here makes room on a full disk.
  checkpointWrites: 8, // They are few.
  sql: `
  CREATE TABLE chain (row INTEGER PRIMARY KEY, certificates BLOB NOT NULL UNIQUE, vouched TEXT NOT NULL);
  CREATE TABLE entry (
    hash BLOB PRIMARY KEY, bucket INTEGER NOT NULL, slot TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    signer TEXT NOT NULL, chain INTEGER NOT NULL, text BLOB NOT NULL, signature BLOB NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX place ON entry (slot, version DESC, at DESC, signer, hash);
  CREATE INDEX bucket ON entry (bucket, hash);
  CREATE INDEX chained ON entry (chain)
`,
}
