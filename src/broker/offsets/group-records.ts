/**
 * Group metadata in `__consumer_offsets`, in Kafka's format. A group keeps its generation, so that none is
 * given twice, and while it has members also these and their assignments.
 *
 *   key    version int16 = 2 | group
 *   value  version int16 = 3 | protocol type | generation int32 | protocol (null: none) |
 *          leader (null: none) | time of the present state int64 |
 *          members [ member id | instance id (null: none) | client id | client host |
 *                    rebalance timeout int32 | session timeout int32 | subscription bytes | assignment bytes ]
 *
 * Versions 0 (no rebalance timeout), 1 (no time), 2 (no instance id) and 4 (compact fields) are read as well.
 * A null value says that the group was deleted.
 */
import { MillraceError } from '../../base/index.ts'
import { FieldReader, FieldWriter } from '../../wire/index.ts'

/** A member as it is kept. */
export interface KeptMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** What it said of itself under the group's protocol. */
  readonly subscription: Uint8Array
  readonly assignment: Uint8Array
}

/** A group as it is kept. */
export interface KeptGroup {
  readonly protocolType: string
  readonly generation: number
  readonly protocol: string | undefined
  readonly leader: string | undefined
  /** Since when the group has been stable or empty; -1: unknown. */
  readonly sinceMs: number
  /** None: the group is empty. */
  readonly members: readonly KeptMember[]
}

const keyVersion = 2
const valueVersion = 3
/** Read, not written: Kafka's first one with compact fields. */
const flexibleVersion = 4

export function encodeGroupKey(group: string): Uint8Array {
  return new FieldWriter().int16(keyVersion).string(group).finish()
}

/** Undefined for a key of another kind. */
export function decodeGroupKey(bytes: Uint8Array): string | undefined {
  const from = new FieldReader(bytes)
  return from.int16() === keyVersion ? from.string() : undefined
}

export function encodeGroupValue(group: KeptGroup): Uint8Array {
  const { protocolType, generation, protocol, leader, sinceMs, members } = group
  return new FieldWriter()
    .int16(valueVersion)
    .string(protocolType)
    .int32(generation)
    .nullableString(protocol)
    .nullableString(leader)
    .int64(sinceMs)
    .array(members, (to, member) =>
      to
        .string(member.memberId)
        .nullableString(member.instanceId)
        .string(member.clientId)
        .string(member.clientHost)
        .int32(member.rebalanceTimeoutMs)
        .int32(member.sessionTimeoutMs)
        .bytes(member.subscription)
        .bytes(member.assignment),
    )
    .finish()
}

/**
 * Copies what it keeps: the bytes belong to a read.
 * @throws MillraceError UNSUPPORTED_FORMAT, CORRUPT_BATCH
 */
export function decodeGroupValue(bytes: Uint8Array): KeptGroup {
  const from = new FieldReader(bytes)
  const version = from.int16()
  if (version < 0 || version > flexibleVersion)
    throw new MillraceError(
      'UNSUPPORTED_FORMAT',
      `__consumer_offsets holds a group of version ${version}; this version of millrace reads 0 to ${flexibleVersion}.`,
    )
  if (version === flexibleVersion) return decodeFlexible(from)
  return {
    protocolType: from.string(),
    generation: from.int32(),
    protocol: from.nullableString(),
    leader: from.nullableString(),
    sinceMs: version >= 2 ? from.int64() : -1,
    members: from.array(() => {
      const memberId = from.string()
      const instanceId = version >= 3 ? from.nullableString() : undefined
      const clientId = from.string()
      const clientHost = from.string()
      const timeoutMs = from.int32()
      return {
        memberId,
        instanceId,
        clientId,
        clientHost,
        rebalanceTimeoutMs: timeoutMs,
        sessionTimeoutMs: version >= 1 ? from.int32() : timeoutMs,
        subscription: Buffer.from(from.bytes()),
        assignment: Buffer.from(from.bytes()),
      }
    }),
  }
}

/** Version 4: the same fields in their compact forms. */
function decodeFlexible(from: FieldReader): KeptGroup {
  return {
    protocolType: from.compactString(),
    generation: from.int32(),
    protocol: from.nullableCompactString(),
    leader: from.nullableCompactString(),
    sinceMs: from.int64(),
    members: from.compactArray(() => {
      const member = {
        memberId: from.compactString(),
        instanceId: from.nullableCompactString(),
        clientId: from.compactString(),
        clientHost: from.compactString(),
        rebalanceTimeoutMs: from.int32(),
        sessionTimeoutMs: from.int32(),
        subscription: Buffer.from(from.compactBytes()),
        assignment: Buffer.from(from.compactBytes()),
      }
      from.tags()
      return member
    }),
  }
}
