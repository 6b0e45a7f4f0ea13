/** Content-Disposition for a file to be saved under a name (RFC 6266): in ASCII for old programs, and as it is (RFC 8187). */
export function attachment(name: string): string {
  const safe = name.replace(/[/\\\p{Cc}]/gu, '_').toWellFormed()
  const ascii = safe.replace(/[^ -~]|["%]/gu, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended(safe)}`
}

/** What is no `attr-char` is written in percents; encodeURIComponent leaves four too many. */
function extended(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
