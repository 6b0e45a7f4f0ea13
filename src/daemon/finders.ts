import { isIP, isIPv4 } from 'node:net'
import { isDreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { openLan, type LanFinder, type LanState } from '../discovery/lan.ts'
import { lanTag } from '../discovery/lanWords.ts'
import { mapPort, type RouterPort, type RouterState } from '../discovery/router.ts'
import type { TlsTransporter } from '../transport/tlsTransporter.ts'
import { parseListen, type Config, type Without } from './config.ts'

export interface FindersParts {
  readonly config: Config
  readonly transporter: TlsTransporter
  readonly authorityPem: string
  readonly log: Log
}

/** How members are found, and find this node, without anybody typing addresses. */
export interface Finders extends AsyncDisposable {
  /** Where the router lets others in, if it does. */
  readonly mapped: () => string | undefined
  /** How asking the router goes; `undefined` where it is not asked. */
  readonly router: () => RouterState | undefined
  /** How looking on the local network goes; `undefined` where nobody looks. */
  readonly lan: () => LanState | undefined
}

/** A node that only this machine can dial has nothing to tell a network, nor to ask of a router. */
export async function openFinders(parts: FindersParts): Promise<Finders> {
  const { config, transporter, authorityPem, log } = parts
  const { port, id } = transporter
  await using opened = new AsyncDisposableStack()
  let external: string | undefined
  let router: RouterPort | undefined
  let lan: LanFinder | undefined
  const isOn = (what: Without) => config.without?.includes(what) !== true
  if (port !== undefined && !isLoopback(parseListen(config.listen).host)) {
    if (isOn('router'))
      router = opened.use(mapPort({ port, log, mapped: (address) => (external = address) }))
    if (isOn('lan')) {
      const found = (address: string) => void greet(transporter, address, log)
      lan = opened.use(await openLan({ id, tag: lanTag(authorityPem), port, log, found }))
    }
  }
  const close = opened.move()
  return {
    mapped: () => external,
    router: () => router?.state(),
    lan: () => lan?.state(),
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

/** Connects once: if it is a member, the membership takes it from there. */
export async function greet(transporter: TlsTransporter, address: string, log: Log): Promise<void> {
  try {
    await transporter.connect(address)
  } catch (error) {
    if (isDreyError(error)) log.debug('a hint led nowhere', { address, why: error.message })
  }
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost'
  return isIPv4(host) ? host.startsWith('127.') : host === '::1'
}
