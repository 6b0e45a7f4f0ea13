/** What a program that embeds Drey may rely on. */
export {
  formatAddress,
  parseAddress,
  decodeAddress,
  hashOf,
  matches,
  type Address,
} from './address/address.ts'
export { hashCodes, isHashName, type HashName } from './address/hash.ts'
export { formatLink, parseLink, type Link } from './address/link.ts'
export { DreyError, isDreyError, type ErrorCode } from './base/error.ts'
