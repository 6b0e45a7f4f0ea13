import { DreyError } from '../base/error.ts'

const text = (type: string) => `${type}; charset=utf-8`

/** What files' names end with, where what is in them does not tell. */
const byEnding: Readonly<Record<string, string>> = {
  ...{ txt: text('text/plain'), md: text('text/markdown'), csv: text('text/csv') },
  ...{ log: text('text/plain'), vtt: text('text/vtt'), srt: text('text/plain') },
  ...{ html: text('text/html'), htm: text('text/html'), css: text('text/css') },
  ...{ js: text('text/javascript'), mjs: text('text/javascript'), json: 'application/json' },
  ...{ xml: text('text/xml'), svg: 'image/svg+xml', wasm: 'application/wasm' },
  ...{ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif' },
  ...{ webp: 'image/webp', avif: 'image/avif', ico: 'image/x-icon', bmp: 'image/bmp' },
  ...{ mp4: 'video/mp4', m4v: 'video/mp4', webm: 'video/webm', ogv: 'video/ogg' },
  ...{ mov: 'video/quicktime', mkv: 'video/x-matroska', avi: 'video/x-msvideo' },
  ...{ mp3: 'audio/mpeg', m4a: 'audio/mp4', ogg: 'audio/ogg', oga: 'audio/ogg' },
  ...{ opus: 'audio/ogg', flac: 'audio/flac', wav: 'audio/wav', aac: 'audio/aac' },
  ...{ pdf: 'application/pdf', epub: 'application/epub+zip', zip: 'application/zip' },
  ...{ gz: 'application/gzip', tar: 'application/x-tar', '7z': 'application/x-7z-compressed' },
  ...{ xz: 'application/x-xz', bz2: 'application/x-bzip2', zst: 'application/zstd' },
  ...{
    iso: 'application/x-iso9660-image',
    woff: 'font/woff',
    woff2: 'font/woff2',
    ttf: 'font/ttf',
  },
}

export const unknownType = 'application/octet-stream'

/** So many first bytes tell what something is. */
export const sampleBytes = 4_100

/** By the end of a file's name; `undefined` when it says nothing. */
export function typeOfName(name: string): string | undefined {
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase()
  return ending !== undefined && Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined
}

/** By the first bytes: what they are known for, else text when they are UTF-8. */
export async function typeOfBytes(start: Uint8Array, isWhole: boolean): Promise<string> {
  const { fileTypeFromBuffer } = await import('file-type')
  const known = await fileTypeFromBuffer(start)
  return known?.mime ?? (isText(start, isWhole) ? text('text/plain') : unknownType)
}

/** Reads `?type=`. Throws 'bad-input'. */
export function parseType(type: string): string {
  const token = '[\\w!#$&^.+-]{1,127}'
  const form = new RegExp(`^${token}/${token}(; ?charset=[\\w-]{1,40})?$`)
  if (form.test(type)) return type
  throw new DreyError(
    'bad-input',
    `not a type: ${JSON.stringify(type)}; write video/mp4, for example`,
  )
}

function isText(start: Uint8Array, isWhole: boolean): boolean {
  if (start.some((byte) => byte < 32 && !(byte >= 8 && byte <= 13) && byte !== 27)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: !isWhole })
    return true
  } catch {
    return false // Not UTF-8: that is what was asked.
  }
}
