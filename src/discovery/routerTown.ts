import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createServer } from '../base/http.ts'
import { fieldOf } from './routerSearch.ts'

export const loopback = '127.0.0.1'

/** What a router of the tests passes on: "tcp 4701" to 4701, and for how many seconds. */
export type Passed = Map<string, { readonly port: number; readonly seconds: number }>

/** A small router that speaks NAT-PMP as RFC 6886 says, and whose faults can be chosen. */
export class PmpBox implements AsyncDisposable {
  readonly passed: Passed = new Map()
  readonly #socket: Socket
  address = '203.0.113.5'
  seconds = 3600
  /** What is answered with instead of success. */
  result = 0
  /** Questions that go unanswered. */
  deaf = 0
  /** Ports that somebody else has. */
  taken = new Set<number>()
  /** Answers as it likes; by default, as the RFC says. */
  answer: (asked: Buffer) => Buffer[] = (asked) => [this.answerOf(asked)]
  asked = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (asked, from) => this.#hear(asked, from))
  }

  static async open(): Promise<PmpBox> {
    const socket = createSocket('udp4')
    socket.bind(0, loopback)
    await once(socket, 'listening')
    return new PmpBox(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }

  #hear(asked: Buffer, from: RemoteInfo): void {
    this.asked += 1
    if (this.deaf-- > 0) return
    for (const said of this.answer(asked)) this.#socket.send(said, from.port, from.address)
  }

  answerOf(asked: Buffer): Buffer {
    const operation = asked[1]!
    const answer = Buffer.alloc(operation === 0 ? 12 : 16)
    answer[1] = 128 + operation
    answer.writeUInt16BE(this.result, 2)
    if (this.result !== 0) return answer.subarray(0, 8)
    if (operation === 0) answer.set(this.address.split('.').map(Number), 8)
    else this.#map(operation === 1 ? 'udp' : 'tcp', asked, answer)
    return answer
  }

  #map(protocol: string, asked: Buffer, answer: Buffer): void {
    const port = asked.readUInt16BE(4)
    let external = asked.readUInt16BE(6)
    while (this.taken.has(external)) external += 1
    const seconds = Math.min(asked.readUInt32BE(8), this.seconds)
    if (seconds > 0) this.passed.set(`${protocol} ${external}`, { port, seconds })
    for (const [name, passed] of this.passed) {
      if (seconds === 0 && name.startsWith(protocol) && passed.port === port)
        this.passed.delete(name)
    }
    answer.writeUInt16BE(port, 8)
    answer.writeUInt16BE(external, 10)
    answer.writeUInt32BE(seconds, 12)
  }
}

/** A small router that speaks UPnP's Internet Gateway Device protocol, version 1. */
export class UpnpBox implements AsyncDisposable {
  readonly passed: Passed = new Map()
  readonly #http: Server
  readonly #search: Socket
  connected = true
  /** It gives ports for ever, or not at all. */
  onlyForEver = false
  taken = new Set<string>()
  /** Where it says its description is. */
  location: string

  private constructor(http: Server, search: Socket) {
    this.#http = http
    this.#search = search
    const { port } = http.address() as AddressInfo
    this.location = `http://${loopback}:${port}/igd.xml`
    http.on('request', (asked, answer) => void this.#hear(asked, answer))
    search.on('message', (asked, from) => {
      if (!asked.includes('M-SEARCH * HTTP/1.1\r\n') || !asked.includes('\r\n\r\n')) return
      const said = `HTTP/1.1 200 OK\r\nEXT:\r\nLOCATION: ${this.location}\r\nST: x\r\n\r\n`
      search.send(said, from.port, from.address)
    })
  }

  static async open(): Promise<UpnpBox> {
    const http = createServer().listen(0, loopback)
    const search = createSocket('udp4').bind(0, loopback)
    await Promise.all([once(http, 'listening'), once(search, 'listening')])
    return new UpnpBox(http, search)
  }

  /** Where it listens for those who search. */
  get search(): { host: string; port: number } {
    return { host: loopback, port: this.#search.address().port }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#search.close()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  async #hear(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (asked.url === '/igd.xml') return void answer.end(description)
    const action = /#(\w+)"$/.exec(String(asked.headers.soapaction))?.[1] ?? ''
    const [status, said] = this.#act(action, await text(asked))
    answer.statusCode = status
    answer.end(`<?xml version="1.0"?><s:Envelope><s:Body>${said}</s:Body></s:Envelope>`)
  }

  #act(action: string, asked: string): [number, string] {
    const name = `${fieldOf(asked, 'NewProtocol')?.toLowerCase()} ${fieldOf(asked, 'NewExternalPort')}`
    const port = Number(fieldOf(asked, 'NewInternalPort'))
    const seconds = Number(fieldOf(asked, 'NewLeaseDuration'))
    const refuse = (code: number): [number, string] => [
      500,
      `<s:Fault><detail><UPnPError><errorCode>${code}</errorCode></UPnPError></detail></s:Fault>`,
    ]
    switch (action) {
      case 'GetStatusInfo':
        return [
          200,
          `<NewConnectionStatus>${this.connected ? 'Connected' : 'Down'}</NewConnectionStatus>`,
        ]
      case 'GetExternalIPAddress':
        return [
          200,
          '<u:R xmlns:u="x"><NewExternalIPAddress>203.0.113.6</NewExternalIPAddress></u:R>',
        ]
      case 'AddPortMapping':
        if (this.taken.has(name)) return refuse(718)
        if (this.onlyForEver && seconds > 0) return refuse(725)
        this.passed.set(name, { port, seconds })
        return [200, '<u:AddPortMappingResponse/>']
      case 'DeletePortMapping':
        return this.passed.delete(name) ? [200, '<u:DeletePortMappingResponse/>'] : refuse(714)
      default:
        return refuse(401)
    }
  }
}

const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
  <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
  <serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
    <controlURL>/other</controlURL></service></serviceList>
  <deviceList><device><deviceList><device><serviceList><service>
    <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
    <serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>
    <controlURL>/control?wan=1&amp;ip=1</controlURL></service></serviceList></device></deviceList></device></deviceList>
</device></root>`
