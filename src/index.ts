/**
 * Drey, for programs: {@link openNode} opens a node in this process, {@link connect} speaks to one that is
 * running; both give a {@link Drey}. The guide is `docs/library.md`.
 *
 * @module drey
 */
export { connect, openNode, type OpenOptions } from './library/open.ts'
export type { Drey, Reference } from './library/drey.ts'
export type { Content } from './library/content.ts'
export type {
  CommonEntry,
  FailedEntry,
  FileEntry,
  FolderEntry,
  GetFolderReply,
  PutFolderReply,
  SubfolderEntry,
  SymlinkEntry,
} from './library/folders.ts'
export type { Names, RevertOptions } from './library/names.ts'
export type { Source, WebReader, WebStream } from './library/source.ts'
export type {
  ByteRange,
  CheckOptions,
  EntriesOptions,
  FindOptions,
  GetFolderOptions,
  GetOptions,
  InviteOptions,
  KeepOptions,
  LeaseOptions,
  ListOptions,
  Options,
  PutFolderOptions,
  PutOptions,
} from './library/options.ts'

export type { BatchOutcome } from './gateway/batch.ts'
export type { FindReply, PutReply } from './gateway/blobs.ts'
export type { DreyEvent, GoneEvent, MemberEvent, MendEvent, RotEvent } from './gateway/events.ts'
export type { Invitation, InviteView } from './gateway/invites.ts'
export type { KeepReply, ListReply, RemoveReply } from './gateway/leases.ts'
export type { MemberView } from './gateway/members.ts'
export type { NameReply, SetNameReply, VersionReply } from './gateway/names.ts'
export type { ConnectedMember, NodeStatus, Reachability } from './gateway/status.ts'
export type { Without } from './daemon/config.ts'
export type { OwnBlob } from './lease/own.ts'
export type { Garbage } from './mend/collect.ts'
export type { Examination, WeakBlock } from './mend/examine.ts'
export type { Census, MendProgress } from './mend/progress.ts'
export type { ScrubCount, ScrubProgress, ScrubReport } from './mend/scrubState.ts'
export type { BadShard } from './mend/verify.ts'
export type { Finding } from './node/gather.ts'
export type { Held } from './node/holder.ts'
export type { Found, Layer, Reply } from './node/locate.ts'
export type { Receipt } from './node/receipt.ts'
export type { PeerId, Role } from './transport/transporter.ts'

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
export type { Code } from './coding/code.ts'
export { DreyError, isDreyError, type ErrorCode } from './base/error.ts'
export type { Log } from './base/log.ts'
