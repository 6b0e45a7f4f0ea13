import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { collect } from '../base/bytes.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { readKeyFile } from '../crypto/keyfile.ts'
import type { Invitation, InviteWish } from '../gateway/invites.ts'
import { admissionDoor } from '../transport/admissionDoor.ts'
import { joinProtocol } from '../transport/admissionWords.ts'
import { fingerprintOf, issue } from '../transport/authority.ts'
import { readKey } from '../transport/proof.ts'
import { testSwarm } from '../transport/testSwarm.ts'
import { dialStranger, membersProtocol, type TlsSocket } from '../transport/tls.ts'
import { listenTls } from '../transport/tlsTransporter.ts'
import { formatToken, parseToken } from '../transport/token.ts'
import { until } from '../transport/transporterSuite.ts'
import { readAuthority } from './authority.ts'
import { readConfig } from './config.ts'
import { DataFolder } from './folder.ts'
import { foundSwarm } from './init.ts'
import { joinSwarm } from './join.ts'
import { startNode, type RunningNode, type StartOptions } from './start.ts'

const home = await mkdtemp(join(tmpdir(), 'drey-join-'))
after(() => rm(home, { recursive: true }))
const { signal } = new AbortController()
const common = { listen: '127.0.0.1:0', signal }

let made = 0
const newFolder = (name = 'node') => new DataFolder(join(home, `${made++}-${name}`))

function start(folder: DataFolder, options: Partial<StartOptions> = {}): Promise<RunningNode> {
  return startNode(folder, { log: silentLog, without: ['lan', 'dht', 'router'], ...options })
}

/** Asks a running node, as `drey invite` does. */
async function invite(node: RunningNode, wish: Partial<InviteWish> = {}): Promise<Invitation> {
  const reply = await node.door({
    ...{ method: 'POST', path: '/invites', query: new URLSearchParams(), headers: {}, signal },
    body: once(JSON.stringify(wish)),
  })
  return JSON.parse(Buffer.from(await collect(reply.body)).toString()) as Invitation
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

const live = (node: RunningNode) =>
  node.membership.others().filter(({ state }) => state === 'live').length

describe('A machine that joins', () => {
  it('is a member in the role it was invited for, and finds those that are there', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, { ...common, name: 'oak' })
    await using oak = await start(founder)
    for (const role of ['storage', 'reader', 'issuer'] as const) {
      const folder = newFolder(role)
      const { token } = await invite(oak, { role, zone: 'attic' })
      const joined = await joinSwarm(folder, token, { ...common, name: role })
      const { inviter, address, name } = joined
      assert.deepEqual(
        { inviter, address, name },
        { inviter: 'oak', address: oak.address, name: role },
      )
      assert.equal(joined.role, role)
      assert.equal(existsSync(folder.readKey), role !== 'storage')
      assert.equal(existsSync(folder.issuerKey), role === 'issuer')
      assert.ok(!existsSync(folder.authorityKey))
      assert.equal((await readConfig(folder)).zone, 'attic')
      for (const file of await readdir(folder.path)) {
        assert.equal((await stat(join(folder.path, file))).mode & 0o777, 0o600, file)
      }
      await using node = await start(folder)
      await until(() => live(node) === 1 && live(oak) === 1)
      assert.equal(node.membership.own.role, role)
      if (role !== 'issuer') {
        await assert.rejects(invite(node), (error) => isDreyError(error, 'not-allowed'))
      }
    }
  })

  it('is accepted by all, though an issuer’s issuer admitted it and the founder’s machine is gone', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, common)
    const [first, elm, ash, last] = [newFolder(), newFolder(), newFolder(), newFolder()]
    const oak = await start(founder)
    await joinSwarm(first, (await invite(oak)).token, common)
    await joinSwarm(elm, (await invite(oak, { role: 'issuer' })).token, common)
    await oak[Symbol.asyncDispose]()
    await rm(founder.path, { recursive: true })

    await using one = await start(first)
    await using two = await start(elm, { peers: [one.address] })
    await joinSwarm(ash, (await invite(two, { role: 'issuer' })).token, common)
    await using three = await start(ash)
    await joinSwarm(last, (await invite(three)).token, common)
    await using four = await start(last)
    const all = [one, two, three, four]
    await until(() => all.every((node) => live(node) === 3))
    assert.equal(four.membership.own.issuers.length, 2)
  })

  it('seals its keys under a passphrase, an issuer’s too', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, { ...common, passphrase: 'acorns' })
    await using oak = await start(founder, { passphrase: 'acorns' })
    const folder = newFolder()
    const { token } = await invite(oak, { role: 'issuer' })
    await joinSwarm(folder, token, { ...common, passphrase: 'nuts' })
    for (const file of [folder.identityKey, folder.issuerKey, folder.readKey]) {
      await assert.rejects(readKeyFile(file, 'acorns'), (error) => {
        return isDreyError(error, 'bad-passphrase')
      })
    }
    await using node = await start(folder, { passphrase: 'nuts' })
    assert.equal((await invite(node)).role, 'storage')
  })

  it('has its certificate renewed over the connection to an issuer, and shows the new one', async () => {
    const [founder, folder] = [newFolder('founder'), newFolder()]
    await foundSwarm(founder, common)
    await using oak = await start(founder)
    await joinSwarm(folder, (await invite(oak)).token, common)
    const old = new X509Certificate(await readFile(folder.certificate))
    const key = String(old.publicKey.export({ type: 'spki', format: 'pem' }))
    const authority = (await readAuthority(founder))!
    await writeFile(folder.certificate, await issue(authority, key, { role: 'storage', days: 0.1 }))

    await using node = await start(folder)
    const isFresh = ({ validToDate }: X509Certificate) =>
      validToDate.getTime() > Date.now() + 364 * 24 * 3_600_000
    await until(() => isFresh(new X509Certificate(readFileSync(folder.certificate))))
    const shown = async () => {
      const { stream } = await dialStranger(node.address, membersProtocol, { signal })
      const certificate = (stream as TlsSocket).getPeerX509Certificate()!
      stream.destroy()
      return certificate
    }
    let certificate = await shown()
    for (let tries = 0; tries < 100 && !isFresh(certificate); tries++) {
      certificate = await shown() // It is on the disk first.
    }
    assert.ok(isFresh(certificate))
  })

  it('joins with thirty others at once, by one token', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, common)
    await using oak = await start(founder)
    const { token } = await invite(oak, { uses: 31 })
    const joining = Array.from({ length: 31 }, () => joinSwarm(newFolder(), token, common))
    const ids = (await Promise.all(joining)).map(({ id }) => id)
    assert.equal(new Set(ids).size, 31) // A port has room for sixteen visitors: others come again.
    await assert.rejects(joinSwarm(newFolder(), token, common), /was used by 31 machines/)
  })

  it('whose folder is not empty changes nothing in it, and uses no invitation', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, common)
    await using oak = await start(founder)
    const { token } = await invite(oak)
    await assert.rejects(joinSwarm(founder, token, common), /is not empty: nothing was changed/)
    assert.equal((await joinSwarm(newFolder(), token, common)).role, 'storage')
  })
})

describe('A machine that could not join', () => {
  /** An issuer that lets `happen` do something in each of the steps of joining. */
  async function openIssuer(happen: (step: string) => Promise<void> | void) {
    const swarm = await testSwarm('ours')
    const identity = await swarm.member({ role: 'issuer' })
    const node = await listenTls({ host: '127.0.0.1', port: 0, identity })
    const { certificatePem: authorityPem } = swarm.authority
    let visits = 0
    const door = admissionDoor(
      {
        authorityPem,
        whyClosed: () => undefined,
        async admit({ own }) {
          await happen('asked')
          const key = readKey(own.key).export({ type: 'spki', format: 'pem' })
          const certificatePem = await issue(swarm.authority, String(key), { role: 'storage' })
          await happen('answered')
          return { role: 'storage', inviter: 'oak', peers: [], certificatePem }
        },
      },
      { clock: systemClock, log: silentLog },
    )
    node.openDoor(joinProtocol, 'nobody', async (stream, visitor) => {
      await happen(visits++ === 0 ? 'looked' : 'came')
      await door(stream, visitor)
    })
    const fingerprint = fingerprintOf(authorityPem)
    const [secret, expires] = [new Uint8Array(16), 2e12]
    const token = formatToken({ addresses: [node.address], fingerprint, secret, expires })
    return Object.assign(node, { token })
  }

  it('leaves nothing half-made, in whatever step it was interrupted', async () => {
    for (const last of ['looked', 'came', 'asked', 'answered']) {
      const leaving = new AbortController()
      await using issuer = await openIssuer((step) => {
        if (step === last) leaving.abort(new Error('Ctrl-C'))
      })
      const folder = newFolder()
      const joining = joinSwarm(folder, issuer.token, { ...common, signal: leaving.signal })
      await assert.rejects(joining, /Ctrl-C/, last)
      assert.ok(!existsSync(folder.path), last)
    }
  })

  it('leaves nothing half-made when the disk does not take its last file', async () => {
    const folder = newFolder()
    await using issuer = await openIssuer(async (step) => {
      if (step === 'answered') await mkdir(folder.config) // No file can have its name now.
    })
    await assert.rejects(joinSwarm(folder, issuer.token, common), /EISDIR|is a directory/)
    assert.deepEqual(await readdir(folder.path), ['config.json'])
  })

  it('leaves an empty folder that was there, empty', async () => {
    const folder = newFolder()
    await mkdir(folder.path)
    await using issuer = await openIssuer((step) => assert.notEqual(step, 'asked'))
    await assert.rejects(joinSwarm(folder, issuer.token, common))
    assert.deepEqual(await readdir(folder.path), [])
  })

  it('makes no folder with a token that is none, or was used, or is of another swarm', async () => {
    const founder = newFolder('founder')
    await foundSwarm(founder, common)
    await using oak = await start(founder)
    const { token } = await invite(oak)
    await joinSwarm(newFolder(), token, common)
    const fields = { ...parseToken(token, 0), fingerprint: new Uint8Array(32) }
    for (const [text, why] of [
      [token, /was used by another machine/],
      [token.slice(0, 90), /cut off/],
      [formatToken(fields), /not of the swarm that the invitation names/],
    ] as const) {
      const folder = newFolder()
      await assert.rejects(joinSwarm(folder, text, common), why)
      assert.ok(!existsSync(folder.path))
    }
  })
})
