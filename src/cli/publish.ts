import { formatAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { note, say, type Global } from './output.ts'
import { parseReference, resolveBlob } from '../gateway/reference.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface PublishCommand extends Global {
  readonly list?: boolean
}

/** `drey publish ADDRESS`, `drey publish --list` */
export async function publishCommand(
  name: string | undefined,
  options: PublishCommand,
  signal: AbortSignal,
): Promise<void> {
  if (options.list === true) return list(options, signal)
  if (name === undefined)
    throw new DreyError('bad-input', 'publish what? Give an address, or --list')
  const reference = parseReference(name)
  await using visit = await openVisit(options)
  const address = formatAddress((await resolveBlob(visit.door, reference, { signal })).address)
  await ask(visit.door, 'PUT', `/published/${address}`, { signal })
  say(options, { published: address }, `published ${address}`)
  note(
    options,
    'it is announced as long as this node runs; reading it still takes the read secret or its link',
  )
}

/** `drey unpublish ADDRESS` */
export async function unpublishCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseReference(name)
  await using visit = await openVisit(options)
  const address = formatAddress((await resolveBlob(visit.door, reference, { signal })).address)
  await ask(visit.door, 'DELETE', `/published/${address}`, { signal })
  say(options, { unpublished: address }, `unpublished ${address}`)
  note(options, 'others forget it within a few hours')
}

async function list(options: Global, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/published', { signal })
  const { published } = await readReply<{ published: string[] }>(reply)
  say(
    options,
    { published },
    published.length > 0 ? published.join('\n') : 'nothing is published here',
  )
}
