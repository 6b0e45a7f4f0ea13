import assert from 'node:assert/strict'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { createAuthority, issue, issueAuthority, type Authority } from '../transport/authority.ts'
import type { Vouched } from '../transport/door.ts'
import { createKey, makeIdentity } from '../transport/identity.ts'
import type { Header, Peer, PeerId, Role } from '../transport/transporter.ts'
import { until } from '../transport/transporterSuite.ts'
import { certifyIssuer, createKeys } from './authority.ts'
import { answerRenew, renewed, whyDue, type Papers } from './papers.ts'
import { Renewal } from './renewal.ts'

const dayMs = 24 * 3_600_000
const root = await createAuthority('the oak')
const { signal } = new AbortController()

/** A member whose certificate a given authority made, to last this long. */
async function memberOf(authority: Authority, role: Role, days = 365): Promise<Papers> {
  const { keyPem, publicKeyPem } = createKey()
  const certificatePem = await issue(authority, publicKeyPem, { role, days })
  return { identity: makeIdentity({ keyPem, certificatePem, authorityPem: root.certificatePem }) }
}

/** An issuer below another. */
async function issuerBelow(above: Authority): Promise<Required<Papers>> {
  const keys = createKeys()
  const options = { member: keys.id }
  const certified = await certifyIssuer(
    keys,
    await issueAuthority(above, keys.issuing.publicKeyPem, options),
  )
  const { authority } = certified
  return {
    identity: makeIdentity({ ...certified, authorityPem: root.certificatePem }),
    authority: authority!,
  }
}

async function founder(): Promise<Papers> {
  return { ...(await memberOf(root, 'issuer')), authority: root }
}

/** A connected issuer, as `asker` sees it. */
function peerOf(papers: Papers, asker: Papers, clock = systemClock): Peer {
  const { id, role } = papers.identity
  return {
    ...{ id, role, address: '', close() {} },
    request: async ({ header }) => ({
      header: await answerRenew(papers, asker.identity, header, clock),
    }),
  }
}

/** What is there: issuers to ask, and who was evicted, while whom they had admitted was spared. */
const parts = (peers: Peer[], evicted: PeerId[] = [], spared: PeerId[] = []) => ({
  peers: () => peers,
  whyNot: ({ id, issuers }: Vouched) =>
    issuers.some(({ member }) => evicted.includes(member)) && !spared.includes(id)
      ? 'evicted'
      : undefined,
  clock: systemClock,
})

const endOf = ({ identity }: Papers) =>
  new X509Certificate(identity.certificatePem).validToDate.getTime()

describe('A certificate', () => {
  it('is due when less than a third of its life is left', async () => {
    const papers = await memberOf(root, 'storage')
    const at = (days: number) => ({
      ...parts([]),
      clock: { ...systemClock, now: () => endOf(papers) - days * dayMs },
    })
    assert.equal(whyDue(papers, at(123)), undefined)
    assert.match(whyDue(papers, at(121))!, /^it ends on \d{4}-\d\d-\d\d$/)
    assert.match(whyDue(papers, at(-1))!, /^it expired on .*; this machine's clock says /)
  })

  it('is due when it begins later: an issuer made it for itself while its clock was ahead', async () => {
    const ahead = { ...systemClock, now: () => systemClock.now() + 300 * dayMs }
    const papers = await renewed(await founder(), { ...parts([]), clock: ahead }, signal)
    assert.match(whyDue(papers, parts([]))!, /^it begins on /)
    assert.equal(whyDue(await renewed(papers, parts([]), signal), parts([])), undefined)
  })

  it('is renewed by an issuer that is connected: the same key, id and role, another year', async () => {
    for (const role of ['storage', 'reader'] as const) {
      const papers = await memberOf(root, role, 10)
      const elm = await issuerBelow(root)
      const { identity } = await renewed(papers, parts([peerOf(elm, papers)]), signal)
      assert.deepEqual([identity.id, identity.role], [papers.identity.id, role])
      assert.equal(identity.keyPem, papers.identity.keyPem)
      assert.ok(endOf({ identity }) > Date.now() + 364 * dayMs)
    }
  })

  it('of an issuer is renewed by itself, with nobody there', async () => {
    for (const papers of [await founder(), await issuerBelow(root)]) {
      const { identity, authority } = await renewed(papers, parts([]), signal)
      assert.equal(identity.id, papers.identity.id)
      assert.equal(identity.role, 'issuer')
      assert.equal(authority, papers.authority)
    }
  })

  it('of a founder from before there were issuers becomes one that names an issuer', async () => {
    const papers = { ...(await memberOf(root, 'reader')), authority: root }
    assert.match(whyDue(papers, parts([]))!, /names no issuer/)
    const after = await renewed(papers, parts([]), signal)
    assert.equal(after.identity.role, 'issuer')
    assert.equal(whyDue(after, parts([])), undefined)
  })

  it('is made by an issuer for the key that asks, and for no other, nor for another role', async () => {
    const elm = await issuerBelow(root)
    const [ann, bob] = [await memberOf(root, 'storage'), await memberOf(root, 'reader')]
    const ask = (peer: { id: PeerId; role: Role }, header: Header) =>
      answerRenew(elm, peer, header, systemClock)
    const keyOf = ({ identity }: Papers) =>
      new Uint8Array(createPublicKey(identity.keyPem).export({ type: 'spki', format: 'der' }))
    await assert.rejects(ask(ann.identity, { key: keyOf(bob) }), (error) =>
      isDreyError(error, 'not-a-member'),
    )
    await assert.rejects(ask(ann.identity, {}), (error) => isDreyError(error, 'protocol'))
    const { certificate } = await ask(ann.identity, { key: keyOf(ann), role: 'reader' })
    assert.match(new X509Certificate(String(certificate)).subject, /OU=storage/)
    const asIssuer = { key: keyOf(ann), issuerKey: keyOf(bob), issuerProof: new Uint8Array(64) }
    await assert.rejects(ask(ann.identity, asIssuer), (error) => isDreyError(error, 'not-allowed'))
    const asking = ask({ ...ann.identity, role: 'issuer' }, asIssuer)
    await assert.rejects(asking, (error) => isDreyError(error, 'not-a-member'))
    const atBob = answerRenew(bob, ann.identity, { key: keyOf(ann) }, systemClock)
    await assert.rejects(atBob, (error) => isDreyError(error, 'not-allowed'))
  })
})

describe('When an issuer was evicted', () => {
  it('its members have their certificates made by another', async () => {
    const [elm, ash] = [await issuerBelow(root), await issuerBelow(root)]
    const papers = await memberOf(elm.authority, 'storage')
    const now = parts([peerOf(elm, papers), peerOf(ash, papers)], [elm.identity.id])
    assert.equal(whyDue(papers, now), 'evicted')
    const after = await renewed(papers, now, signal) // The evicted one answers too; it is of no use.
    assert.equal(whyDue(after, now), undefined)
  })

  it('an issuer that it had made gets an authority of another, and its members are accepted again', async () => {
    const [elm, ash] = [await issuerBelow(root), await issuerBelow(root)]
    const fir = await issuerBelow(elm.authority)
    const now = parts([peerOf(ash, fir)], [elm.identity.id], [fir.identity.id])
    assert.equal(whyDue(fir, now), 'evicted')
    const { identity, authority } = await renewed(fir, now, signal)
    assert.equal(whyDue({ identity, authority }, now), undefined)
    assert.equal(authority!.keyPem, fir.authority.keyPem)
    assert.equal(whyDue(await memberOf(authority!, 'storage'), now), undefined)
  })

  it('whoever is spared is renewed as before, when there is no other issuer and the time runs out', async () => {
    const elm = await issuerBelow(root)
    const fir = await issuerBelow(elm.authority)
    for (const days of [300, 0.1]) {
      const papers = await memberOf(fir.authority, 'storage', days)
      const spared = [fir.identity.id, papers.identity.id]
      const now = parts([peerOf(fir, papers)], [elm.identity.id], spared)
      const renewing = renewed(papers, now, signal)
      if (days > 1) await assert.rejects(renewing, /no issuer renewed it: .* evicted/)
      else assert.ok(endOf(await renewing) > Date.now() + 364 * dayMs)
    }
  })
})

describe('A node', () => {
  it('renews its certificate without anyone asking, once an issuer is there', async () => {
    const [papers, elm] = [await memberOf(root, 'storage', 0.1), await issuerBelow(root)]
    const lines: LogLine[] = []
    const installed: Papers[] = []
    const peers: Peer[] = []
    await using renewal = new Renewal({
      ...{ ...parts(peers), papers, log: memoryLog(lines) },
      install: async (made) => void installed.push(made),
    })
    await until(() => lines.length === 1)
    assert.match(
      JSON.stringify(lines[0]),
      /not renewed yet.*no issuer renewed it: none is connected/,
    )
    renewal.look() // Nothing has changed.
    peers.push(peerOf(elm, papers))
    renewal.look(true)
    await until(() => installed.length === 1)
    assert.equal(renewal.papers, installed[0])
    assert.equal(whyDue(renewal.papers, parts([])), undefined)
    assert.match(JSON.stringify(lines[1]), /was renewed/)
  })

  it('keeps what it has when the new one cannot be written, and tries again', async () => {
    const papers = await founder()
    let tries = 0
    const lines: LogLine[] = []
    const old = { ...papers, identity: (await memberOf(root, 'reader')).identity }
    await using renewal = new Renewal({
      ...{ ...parts([]), papers: old, log: memoryLog(lines) },
      install: async () => {
        tries += 1
        if (tries === 1) throw new Error('the disk is full')
      },
    })
    await until(() => lines.length === 1)
    assert.equal(renewal.papers, old)
    renewal.look(true)
    await until(() => renewal.papers !== old)
    assert.equal(tries, 2)
  })
})
