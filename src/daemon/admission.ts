import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import type { Membership } from '../discovery/membership.ts'
import type { PartDoor } from '../gateway/door.ts'
import { invitesDoor } from '../gateway/invites.ts'
import type { Operations } from '../node/serve.ts'
import { admissionDoor } from '../transport/admissionDoor.ts'
import { joinProtocol } from '../transport/admissionWords.ts'
import type { Authority } from '../transport/authority.ts'
import type { Identity } from '../transport/identity.ts'
import type { CertificateNotary } from '../transport/notary.ts'
import type { TlsTransporter } from '../transport/tlsTransporter.ts'
import { readAuthority } from './authority.ts'
import type { DataFolder } from './folder.ts'
import { Invites } from './invites.ts'
import { Issuer } from './issuer.ts'
import { answerRenew, type Papers } from './papers.ts'
import { Renewal } from './renewal.ts'

export interface AdmissionParts {
  readonly folder: DataFolder
  readonly passphrase: string | undefined
  readonly identity: Identity
  readonly readSecret: Uint8Array | undefined
  readonly transporter: TlsTransporter
  readonly membership: Membership
  readonly notary: CertificateNotary
  readonly log: Log
}

/** How a node stays a member; and, where it is an issuer, how others become and stay members. */
export interface Admission extends AsyncDisposable {
  readonly door: PartDoor
  readonly operations: Operations
}

/** Opens it. A node that is no issuer has no door for newcomers at all. */
export async function openAdmission(parts: AdmissionParts): Promise<Admission> {
  const { folder, passphrase, identity, transporter, membership, log } = parts
  await using opened = new AsyncDisposableStack()
  const authority = await readAuthority(folder, passphrase)
  const renewal = opened.use(
    new Renewal({
      papers: { identity, authority },
      peers: () => transporter.peers(),
      whyNot: (member) => membership.whyNot(member),
      install: (papers) => install(papers, parts),
      clock: systemClock,
      log,
    }),
  )
  opened.defer(membership.watch(() => renewal.look()))
  opened.defer(
    transporter.watch(({ type, peer }) => renewal.look(type === 'up' && peer.role === 'issuer')),
  )
  const issuer = authority === undefined ? undefined : await openIssuer(parts, authority, renewal)
  if (issuer !== undefined) {
    transporter.openDoor(joinProtocol, 'nobody', admissionDoor(issuer, { clock: systemClock, log }))
  }
  const close = opened.move()
  return {
    door: invitesDoor(issuer),
    operations: {
      renew: async (peer, { header }) => ({
        header: await answerRenew(renewal.papers, peer, header, systemClock),
      }),
    },
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

async function openIssuer(
  parts: AdmissionParts,
  authority: Authority,
  renewal: Renewal,
): Promise<Issuer | undefined> {
  const { folder, identity, readSecret, membership, log } = parts
  if (readSecret === undefined) return undefined
  return new Issuer({
    ...{ readSecret, log, clock: systemClock },
    authority: () => renewal.papers.authority ?? authority,
    authorityPem: identity.authorityPem,
    invites: await Invites.open(folder.invites, systemClock, log),
    name: membership.own.name,
    addresses: () => membership.own.addresses,
    peers: () => liveAddresses(membership),
  })
}

/** Of each member that is there, where it is most surely reached. */
function liveAddresses(membership: Membership): string[] {
  const live = membership.others().filter(({ state }) => state === 'live')
  return live.map(({ record }) => record.addresses[0]).filter((address) => address !== undefined)
}

/** The files first: what is shown is what a restart would show. */
async function install({ identity, authority }: Papers, parts: AdmissionParts): Promise<void> {
  const { folder, transporter, notary } = parts
  const isFounder = authority?.certificatePem === identity.authorityPem
  if (authority !== undefined && !isFounder) {
    await writePrivately(folder.issuerCertificate, authority.certificatePem)
  }
  await writePrivately(folder.certificate, identity.certificatePem)
  transporter.renew(identity)
  notary.renew(identity)
}
