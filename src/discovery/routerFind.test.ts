import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gatewayOfLinux, gatewayOfNetstat, isPrivate, localAddress } from './routerFind.ts'

describe('The router of a network', () => {
  it('is read from Linux’s table of routes', () => {
    const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
`
    assert.equal(gatewayOfLinux(table), '192.168.1.1')
    assert.equal(gatewayOfLinux('Iface\tDestination\n'), undefined)
  })

  it('is read from what macOS and Windows print', () => {
    const mac = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.178.1      UGScg                 en0
127                127.0.0.1          UCS                   lo0
`
    const windows = `IPv4 Route Table
Network Destination        Netmask          Gateway       Interface  Metric
          0.0.0.0          0.0.0.0         10.0.0.1        10.0.0.17     25
        127.0.0.0        255.0.0.0         On-link         127.0.0.1    331
`
    assert.equal(gatewayOfNetstat(mac), '192.168.178.1')
    assert.equal(gatewayOfNetstat(windows), '10.0.0.1')
    assert.equal(gatewayOfNetstat('default link#4 UCS en0'), undefined)
  })

  it('is needed where a machine’s own address is none of the Internet', () => {
    const mine = [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.0.9',
      '100.127.0.1',
      '169.254.1.1',
      '127.0.0.1',
    ]
    assert.ok(mine.every(isPrivate))
    assert.ok(!['8.8.8.8', '172.32.0.1', '100.128.0.1', '203.0.113.5'].some(isPrivate))
    assert.ok(['', 'router.local', '::1'].every(isPrivate), 'nobody could be told these')
  })

  it('is asked from the address that leads to it', async () => {
    assert.equal(await localAddress('127.0.0.1'), '127.0.0.1')
  })
})
