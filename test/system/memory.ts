import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What is looked for: a name for the message, and the bytes. */
export interface Marker {
  readonly name: string
  readonly bytes: Buffer
}

/** Which of these stand anywhere in a folder's files, or in their names. */
export async function findInFolder(path: string, markers: readonly Marker[]): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const content = Buffer.concat([Buffer.from(file), await readFile(file)])
    found.push(...markers.filter(({ bytes }) => content.includes(bytes)).map(({ name }) => name))
  }
  return found
}

/**
 * Which of these stand in a process's memory, wherever it can write (`/proc/PID/mem`). Throws where that
 * cannot be read: not Linux, or not allowed.
 */
export async function findInMemory(pid: number, markers: readonly Marker[]): Promise<Set<string>> {
  const found = new Set<string>()
  const overlap = Math.max(...markers.map(({ bytes }) => bytes.length))
  await using memory = await open(`/proc/${pid}/mem`, 'r')
  for (const { start, end } of await writableParts(pid)) {
    for (let at = start; at < end; at += pieceBytes) {
      const piece = Buffer.alloc(Math.min(pieceBytes + overlap, end - at))
      const bytesRead = await memory
        .read(piece, 0, piece.length, at)
        .then((read) => read.bytesRead)
        .catch(() => 0) // A page that was never touched, or has gone since it was listed.
      const part = piece.subarray(0, bytesRead)
      for (const { name, bytes } of markers) if (part.includes(bytes)) found.add(name)
    }
  }
  return found
}

const pieceBytes = 1 << 20

async function writableParts(pid: number): Promise<{ start: number; end: number }[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8')
  return maps
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ start: parseInt(match[1]!, 16), end: parseInt(match[2]!, 16) }))
}
