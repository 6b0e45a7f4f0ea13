/** What is promised of an old data folder: it is read back for ever. */
export interface Promised {
  readonly blobs: readonly {
    readonly address: string
    readonly link: string
    readonly size: number
    readonly sha256: string
  }[]
  readonly folder: { readonly address: string; readonly path: string; readonly text: string }
  /** Names, and the addresses that they mean. */
  readonly names: Readonly<Record<string, string>>
}
