import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { chromium, type Browser, type Page } from 'playwright-core'
import { parseLink, type Link } from '../../src/address/link.ts'
import { attributes, listingOf } from '../../src/folder/fixture.ts'
import type { PutReply } from '../../src/gateway/blobs.ts'
import { askWeb, openWebServer, type WebServer } from './webServer.ts'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = places.find((path) => existsSync(path))
const lacking = [
  ...(executablePath === undefined ? ['chromium'] : []),
  ...(spawnSync('ffmpeg', ['-version']).status === 0 ? [] : ['ffmpeg (it makes the film)']),
]
const skip = lacking.length > 0 && `not installed here: ${lacking.join(', ')}`

const clipSeconds = 30

/** What a person does with a film: it plays, they jump to its middle, and it plays on. In the page. */
const watch = `(async () => {
  const film = document.querySelector('video')
  const told = (event) => new Promise((resolve, reject) => {
    film.addEventListener(event, resolve, { once: true })
    film.addEventListener('error', () => reject(new Error(film.error?.message)), { once: true })
  })
  film.muted = true
  if (film.readyState < 1) await told('loadedmetadata')
  const jumped = performance.now()
  film.currentTime = film.duration / 2
  await told('seeked')
  const tookMs = performance.now() - jumped
  const from = film.currentTime
  await film.play()
  while (film.currentTime === from) await told('timeupdate')
  return { from, tookMs, duration: film.duration }
})()`

interface Watched {
  readonly from: number
  readonly tookMs: number
  readonly duration: number
}

let server: WebServer
let browser: Browser
before(async () => {
  if (skip) return
  server = await openWebServer()
  browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
})
after(async () => {
  if (skip) return
  await browser.close()
  await server[Symbol.asyncDispose]()
})

/** Megabytes of noise, so that a browser has to ask for ranges. */
async function makeClip(): Promise<Buffer> {
  const home = await mkdtemp(join(tmpdir(), 'drey-clip-'))
  const path = join(home, 'clip.webm')
  const noise = `nullsrc=size=320x240:rate=8:duration=${clipSeconds},geq=random(1)*255:128:128`
  const coding = [
    '-c:v',
    'libvpx',
    '-b:v',
    '3M',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-g',
    '16',
  ]
  spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', noise, ...coding, path])
  const clip = await readFile(path)
  await rm(home, { recursive: true })
  return clip
}

async function put(body: Uint8Array): Promise<{ link: Link; size: number }> {
  const headers = { authorization: `Bearer ${server.token}` }
  const { body: answer } = await askWeb(server, '/blob', { method: 'PUT', headers, body })
  const { link, size } = JSON.parse(answer.toString()) as PutReply
  return { link: parseLink(link) as Link, size }
}

async function putFolder(name: string, content: Uint8Array): Promise<string> {
  const entry = {
    name: Buffer.from(name),
    ...attributes,
    type: 'file',
    ...(await put(content)),
  } as const
  return `/blob/${(await put(listingOf([entry]))).link.address.toString()}`
}

/** Opens a path as somebody who has not shown the token yet, and shows it. */
async function logIn(path: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`http://${server.address}${path}`)
  await page.fill('input[name=token]', server.token)
  await page.click('button')
  await page.waitForURL(`**${path}`)
  return page
}

describe('In a browser', { skip, timeout: 120_000 }, () => {
  it('a film in a folder plays, and jumps to its middle by asking for a range', async (context) => {
    const page = await logIn(await putFolder('film.webm', await makeClip()))
    const ranges: string[] = []
    page.on('request', (request) => ranges.push(request.headers().range ?? ''))
    await page.click('text=film.webm')
    await page.waitForSelector('video')
    const { from, tookMs, duration } = await page.evaluate<Watched>(watch)
    assert.ok(Math.abs(from - duration / 2) < 1, `${from} of ${duration}`)
    assert.ok(
      ranges.some((range) => /^bytes=[1-9]\d*-/.test(range)),
      ranges.join(),
    )
    context.diagnostic(`the jump took ${tookMs.toFixed(0)} ms`)
  })

  it('a stored page is shown, and can do nothing', async () => {
    const text =
      '<title>a page</title><script>document.title = "it ran"</script><img src="/api/status">'
    const page = await logIn(await putFolder('page.html', Buffer.from(text)))
    const answered: number[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('/api/status')) answered.push(response.status())
    })
    await page.click('text=page.html')
    await page.waitForURL('**/page.html')
    await page.waitForLoadState('load')
    assert.equal(await page.title(), 'a page')
    assert.ok(!answered.includes(200))
  })
})
