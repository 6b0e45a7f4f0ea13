// Backs up a folder again and again, under a name: "drey get NAME -o FOLDER" brings the latest backup back, "drey
// name log NAME" shows those before. What has not changed since the last one is neither read nor sent.
//
//   node backup.ts DATA-FOLDER FOLDER NAME [MINUTES]    once, or every so many minutes
import { setTimeout as rest } from 'node:timers/promises'
import { connect, type Drey } from 'drey'

const backupsMax = 30

/** Stores the folder as it is now, and has the name mean it. */
async function backUp(node: Drey, folder: string, name: string): Promise<string> {
  const { address, count, failed } = await node.putFolder(folder, { name })
  await node.names.set(name, address)
  for (const { path, why } of failed) console.error(`not backed up: ${path}: ${why}`)
  console.log(`${new Date().toISOString()} ${name} is ${address}: ${count} files and folders`)
  return address
}

/** Wants the oldest ones no more: what only they have in them goes from the swarm, a day later. */
async function removeOld(node: Drey, name: string, latest: string): Promise<void> {
  const { blobs } = await node.list({ search: name })
  const backups = blobs.filter((blob) => blob.name === name && blob.address !== latest)
  for (const { address } of backups.slice(backupsMax - 1)) await node.remove(address)
}

const [data, folder, name, minutes] = process.argv.slice(2)
if (data === undefined || folder === undefined || name === undefined) {
  throw new Error('say which node backs up what, and under which name')
}
await using node = await connect(data)
do {
  const latest = await backUp(node, folder, name)
  await removeOld(node, name, latest)
  if (minutes !== undefined) await rest(Number(minutes) * 60_000)
} while (minutes !== undefined)
