/** What `GET /name/NAME` answers: what a name means now. */
export interface NameReply {
  readonly name: string
  readonly address: string
  /** What reads it without the swarm's read secret, in base64url; `null` where that is not needed. */
  readonly key: string | null
}
