import { DreyError } from '../base/error.ts'
import { dataFolder, DataFolder } from '../daemon/folder.ts'
import { foundSwarm, initWith } from '../daemon/init.ts'
import { parseListen } from '../daemon/config.ts'
import type { Role } from '../transport/transporter.ts'
import { note, parseSize, say, type Global } from './output.ts'

export interface InitCommand extends Global {
  readonly with?: string
  readonly role?: string
  readonly name?: string
  readonly listen?: string
  readonly peer?: readonly string[]
  readonly capacity?: string
  readonly zone?: string
}

/** `drey init [--with FOLDER]` */
export async function initCommand(options: InitCommand): Promise<void> {
  const folder = dataFolder(options.data)
  const passphrase = process.env.DREY_PASSPHRASE
  if (options.listen !== undefined) parseListen(options.listen)
  const common = {
    name: options.name,
    listen: options.listen,
    peers: options.peer,
    zone: options.zone,
    capacity: options.capacity === undefined ? undefined : parseSize(options.capacity),
    passphrase,
  }
  if (options.with === undefined) {
    if (options.role !== undefined) {
      throw new DreyError('bad-input', 'a founder is an issuer; --role goes with --with')
    }
    const made = await foundSwarm(folder, common)
    say(
      options,
      { ...made, data: folder.path },
      `founded a swarm; ${made.name} is member ${made.id}`,
    )
    note(options, `keep ${folder.readKey} safe: whoever has it can read, without it nobody can`)
    note(options, `next: drey --data ${folder.path} start, and drey invite for other machines`)
    return
  }
  const founder = new DataFolder(options.with)
  const founderPassphrase = process.env.DREY_FOUNDER_PASSPHRASE ?? passphrase
  const made = await initWith(folder, founder, roleOf(options.role), {
    ...common,
    founderPassphrase,
  })
  say(options, { ...made, data: folder.path }, `${made.name} is member ${made.id} (${made.role})`)
  note(options, `next: drey --data ${folder.path} start`)
}

function roleOf(text = 'reader'): Role {
  const role = (['storage', 'reader', 'issuer'] as const).find((one) => one === text)
  if (role !== undefined) return role
  throw new DreyError('bad-input', `no such role: "${text}"; choose storage, reader or issuer`)
}
