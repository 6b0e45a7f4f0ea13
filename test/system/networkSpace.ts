import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a program to its end; what it printed. Throws what it complained of. */
export async function run(command: string, ...args: string[]): Promise<string> {
  return (await execute(command, args)).stdout
}

/** What a command is started with, so that it runs in a namespace. The process is then the command's own. */
export const within = (namespace: string) => ['ip', 'netns', 'exec', namespace]

const prefix = 'drey-net-'
let networks = 0

/** The beginning of the names of one network's namespaces, and a folder that goes by the same name. */
export function newName(): { name: string; folder: string } {
  const name = `${prefix}${process.pid}-${networks++}`
  return { name, folder: folderOf(name) }
}

export async function addNamespace(namespace: string): Promise<void> {
  await run('ip', 'netns', 'add', namespace)
  await run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
}

/** Ends what runs in them, and removes them with all the devices they have. */
export async function removeNetwork(name: string): Promise<void> {
  const namespaces = (await allNamespaces()).filter((one) => one.startsWith(`${name}-`))
  for (const namespace of namespaces) {
    for (const pid of (await run('ip', 'netns', 'pids', namespace)).split('\n')) {
      if (pid !== '') end(Number(pid))
    }
    await run('ip', 'netns', 'del', namespace)
  }
  await rm(folderOf(name), { recursive: true, force: true })
}

/** Removes the networks of runs that were killed before they could: their names hold the process's id. */
export async function sweep(): Promise<void> {
  const owners = new Map<string, number>()
  for (const namespace of await allNamespaces()) {
    const match = /^drey-net-(\d+)-\d+(?=-)/.exec(namespace)
    if (match !== null) owners.set(match[0], Number(match[1]))
  }
  for (const [name, pid] of owners) if (!isThere(pid)) await removeNetwork(name)
}

function folderOf(name: string): string {
  return join(tmpdir(), name)
}

async function allNamespaces(): Promise<string[]> {
  const lines = (await run('ip', 'netns', 'list')).split('\n')
  return lines.map((line) => line.split(' ')[0]!).filter((name) => name.startsWith(prefix))
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}
