import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'

const read = (name: string) => readFile(new URL(`../deploy/${name}`, import.meta.url), 'utf8')

it('The unit for systemd is one that systemd understands', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'drey-unit-'))
  const unit = join(folder, 'drey.service')
  const text = await read('drey.service')
  await writeFile(
    unit,
    text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true').replace(/^User=.*$/m, 'User=root'),
  )
  const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', unit])
  await rm(folder, { recursive: true })
  if (error !== undefined) return context.diagnostic('systemd-analyze is not here')
  assert.deepEqual(
    [status, stderr.toString().includes('drey.service')],
    [0, false],
    stderr.toString(),
  )
})

it('The container runs what the package has, as nobody special', async () => {
  const { bin } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { bin: { drey: string } }
  const text = await read('Dockerfile')
  assert.ok(text.includes(`/opt/drey/${bin.drey.replace(/^\.\//, '')}`), bin.drey)
  assert.match(text, /^USER node$/m)
})
