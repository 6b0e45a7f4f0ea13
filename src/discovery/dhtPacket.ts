import { readBencode, type Bencoded } from './dhtBencode.ts'

/** A node as packets name it: 20 bytes of id, 4 of address, 2 of port. */
export const contactBytes = 26
/** As many as are told of at a time: 520 bytes. */
export const contactsMax = 20
/** As many announced addresses as are told of at a time: with the rest, less than a network's packet. */
export const valuesToldMax = 64

/**
 * Why a packet must not reach the engine, or `undefined` when it is a message of the Mainline DHT (BEP 5),
 * as this engine writes them: nothing is missing, and nothing is of a type, a size or a name that the engine
 * does not expect. The questions `get` and `put` (BEP 44) are not let in: Drey does not use them.
 */
export function whyRefused(packet: Uint8Array): string | undefined {
  let message: Bencoded
  try {
    message = readBencode(packet)
  } catch (error) {
    return `it is not bencode: ${(error as Error).message}`
  }
  return messages.some((isOne) => isOne(message)) ? undefined : 'it is no message of the DHT'
}

type Check = (value: Bencoded | undefined) => boolean

const bytes =
  (least: number, most = least): Check =>
  (value) =>
    value instanceof Uint8Array && value.length >= least && value.length <= most

const word =
  (text: string): Check =>
  (value) =>
    value instanceof Uint8Array && Buffer.compare(value, Buffer.from(text)) === 0

const number =
  (most: number): Check =>
  (value) =>
    typeof value === 'number' && value <= most

const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

/** A dictionary of these fields and no others. */
const fields =
  (checks: Record<string, Check>): Check =>
  (value) =>
    value instanceof Map &&
    Object.entries(checks).every(([name, check]) => check(value.get(name))) &&
    [...value.keys()].every((name) => Object.hasOwn(checks, name))

/** Whether an address can be one machine's: nobody is at 0.x.x.x, at a group's address, or at port 0. */
function isPlace(place: Uint8Array): boolean {
  const [first] = place
  return first! > 0 && first! < 224 && (place[4] !== 0 || place[5] !== 0)
}

const contacts: Check = (value) => {
  if (!(value instanceof Uint8Array) || value.length % contactBytes !== 0) return false
  if (value.length > contactsMax * contactBytes) return false
  for (let at = 0; at < value.length; at += contactBytes) {
    if (!isPlace(value.subarray(at + 20, at + contactBytes))) return false
  }
  return true
}

const values: Check = (value) =>
  Array.isArray(value) &&
  value.length <= valuesToldMax &&
  value.every((one) => one instanceof Uint8Array && one.length === 6 && isPlace(one))

const failure: Check = (value) =>
  Array.isArray(value) && value.length === 2 && number(999)(value[0]) && bytes(0, 128)(value[1])

const transaction = bytes(2)
const id = bytes(20)
const token = bytes(20)

const question = (name: string, rest: Record<string, Check>): Check =>
  fields({ t: transaction, y: word('q'), q: word(name), a: fields({ id, ...rest }) })

/** Every message that there is. */
const messages: readonly Check[] = [
  fields({
    t: transaction,
    y: word('r'),
    r: fields({ id, nodes: maybe(contacts), token: maybe(token), values: maybe(values) }),
  }),
  question('find_node', { target: id }),
  question('get_peers', { info_hash: id }),
  question('ping', {}),
  question('announce_peer', {
    info_hash: id,
    token,
    port: number(65_535),
    implied_port: number(1),
  }),
  fields({ t: transaction, y: word('e'), e: failure }),
]
