import { readConfig } from '../daemon/config.ts'
import { dataFolder } from '../daemon/folder.ts'
import { readHttpToken } from '../daemon/http.ts'
import { say, type Global } from './output.ts'

/** `drey http-token` */
export async function httpTokenCommand(options: Global): Promise<void> {
  const folder = dataFolder(options.data)
  await readConfig(folder) // Where there is no node, no token is made.
  const token = await readHttpToken(folder)
  say(options, { token }, token)
}
