export interface Wanted {
  readonly protocol: 'tcp' | 'udp'
  /** This machine's port. */
  readonly port: number
  /** The router's own, if it is free; a router may give another. */
  readonly externalPort: number
  readonly seconds: number
}

export interface Mapping {
  /** The router's address on the side of the Internet. */
  readonly externalHost: string
  readonly externalPort: number
  readonly seconds: number
}

/** A router that passes on to this machine what comes for one of its ports, for a while, when asked to. */
export interface Router {
  readonly name: string
  /** Asks anew, or for longer. Throws 'unreachable' when the router does not answer, or does not want to. */
  map(wanted: Wanted, signal: AbortSignal): Promise<Mapping>
  unmap(wanted: Wanted, signal: AbortSignal): Promise<void>
}
