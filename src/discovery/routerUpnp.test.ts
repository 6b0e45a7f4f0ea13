import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { locationOf, servicesOf } from './routerSearch.ts'
import { UpnpBox, loopback } from './routerTown.ts'
import { findUpnp } from './routerUpnp.ts'

const { signal } = new AbortController()
const wanted = { protocol: 'udp', port: 4701, externalPort: 4701, seconds: 60 } as const
const find = (box: UpnpBox) => findUpnp(loopback, signal, box.search)

describe('A router that speaks UPnP', () => {
  it('is found, passes a port on, and takes it back', async () => {
    await using box = await UpnpBox.open()
    const router = (await find(box))!
    const mapping = await router.map(wanted, signal)
    assert.deepEqual(mapping, { externalHost: '203.0.113.6', externalPort: 4701, seconds: 60 })
    assert.deepEqual(Object.fromEntries(box.passed), { 'udp 4701': { port: 4701, seconds: 60 } })
    await router.unmap(wanted, signal)
    assert.equal(box.passed.size, 0)
  })

  it('gives another port where the wanted one is somebody else’s, if there is one', async () => {
    await using box = await UpnpBox.open()
    const router = (await find(box))!
    box.taken = new Set(['udp 4701', 'udp 4702'])
    assert.equal((await router.map(wanted, signal)).externalPort, 4703)
    for (let port = 4701; port < 4800; port++) box.taken.add(`udp ${port}`)
    await assert.rejects(router.map(wanted, signal), (error) => {
      return isDreyError(error, 'unreachable') && /asked to AddPortMapping.*718/.test(error.message)
    })
  })

  it('is asked for ever where it knows no time', async () => {
    await using box = await UpnpBox.open()
    box.onlyForEver = true
    const router = (await find(box))!
    await router.map(wanted, signal)
    assert.equal(box.passed.get('udp 4701')?.seconds, 0)
  })

  it('is not asked when it is not connected', async () => {
    await using box = await UpnpBox.open()
    box.connected = false
    assert.equal(await find(box), undefined)
  })

  it('does not send anyone to another machine', () => {
    const said = (url: string) => `HTTP/1.1 200 OK\r\nLocation: ${url}\r\nST: x\r\n\r\n`
    const href = (url: string) => locationOf(said(url), '192.168.1.1')?.href
    assert.equal(href('http://192.168.1.1:5000/igd.xml'), 'http://192.168.1.1:5000/igd.xml')
    for (const elsewhere of ['http://192.168.1.2/', 'https://192.168.1.1/', 'file:///x', 'x', '']) {
      assert.equal(href(elsewhere), undefined)
    }
    const service = (control: string) =>
      `<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType>
       <controlURL>${control}</controlURL></service>`
    const location = new URL('http://192.168.1.1:5000/igd.xml')
    const controls = (xml: string) => servicesOf(xml, location).map(({ control }) => control.href)
    const all = ['/a', 'http://192.168.1.1:80/b', 'http://10.0.0.1/c', 'ftp://192.168.1.1/d']
    assert.deepEqual(controls(all.map(service).join('')), [
      'http://192.168.1.1:5000/a',
      'http://192.168.1.1/b',
    ])
    assert.deepEqual(controls(`<URLBase>http://10.0.0.1/</URLBase>${service('/a')}`), [])
  })

  it('is not there when nobody answers as one', async () => {
    await using box = await UpnpBox.open()
    box.location = `http://${loopback}:1/igd.xml`
    assert.equal(await find(box), undefined)
  })
})
