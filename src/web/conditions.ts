import type { DoorRequest } from '../gateway/door.ts'
import { Refusal } from './refusal.ts'

/**
 * What a request's conditions come to (RFC 9110, 13.2.2): 304 when the asker has it already. Throws a refusal
 * with 412 when it wants another one. There are no dates: an address says all.
 */
export function checkConditions({ headers }: DoorRequest, etag: string): 'fresh' | 304 {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match !== undefined && !isListed(match, etag, isSameStrongly)) {
    throw new Refusal(412, `this is ${etag}, and "If-Match" names others`, { etag })
  }
  if (noneMatch !== undefined && isListed(noneMatch, etag, isSameWeakly)) return 304
  return 'fresh'
}

/** The Range header, unless it was to count for another content (RFC 9110, 13.1.5), or the request is no GET. */
export function rangeWanted({ method, headers }: DoorRequest, etag: string): string | undefined {
  const { range, 'if-range': only } = headers
  if (method !== 'GET' || range === undefined) return undefined
  return only === undefined || isSameStrongly(only.trim(), etag) ? range : undefined
}

function isListed(
  list: string,
  etag: string,
  isSame: (one: string, other: string) => boolean,
): boolean {
  if (list.trim() === '*') return true
  return Array.from(list.matchAll(/(?:W\/)?"[^"]*"/g)).some(([one]) => isSame(one, etag))
}

function isSameStrongly(one: string, other: string): boolean {
  return one === other && !one.startsWith('W/')
}

function isSameWeakly(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '')
}
