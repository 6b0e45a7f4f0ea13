/** What TLS says, in sentences: why a handshake failed, seen from the side that refused. */
const sentences: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet (do the clocks agree?)',
  CERT_SIGNATURE_FAILURE: 'its certificate is of another swarm',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of another swarm',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of another swarm',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of another swarm',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of another swarm',
  INVALID_PURPOSE: 'its certificate is not for members',
  ERR_SSL_HTTP_REQUEST: 'it speaks HTTP, not TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'it offers no cipher that is used here',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'it offers no signature that is used here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it does not speak TLS 1.3',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it does not speak TLS 1.3',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_UNEXPECTED_MESSAGE: 'it does not speak TLS as agreed',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not accept our certificate: it is of another swarm',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'that is not spoken there (only issuers let somebody in)',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it demands a certificate',
  ECONNRESET: 'it ended the connection during the handshake',
}

/** Why the other side was refused, or refused us, as a sentence about "it". */
export function whyRefused(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return sentences[code] ?? `the TLS handshake failed: ${code === '' ? message : code}`
}

/** The same for what a socket says of a certificate that TLS does not vouch for. */
export function whyUnauthorized(code: string | undefined, shown: boolean): string {
  if (!shown) return sentences.ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE!
  return sentences[code ?? ''] ?? `its certificate does not hold: ${code}`
}

/** Whether this is about certificates or TLS, and not about the way to the other side. */
export function isRefusal(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return code.startsWith('ERR_SSL') || (code in sentences && code !== 'ECONNRESET')
}
