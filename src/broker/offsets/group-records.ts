/**
 * Group metadata in `__consumer_offsets`, in Kafka's format (wire/structures/group-metadata.ts). A group
 * keeps its generation, so that none is given twice, and while it has members also these and their
 * assignments. A null value says that the group was deleted.
 */
import {
  encodeVersioned,
  groupMetadataKey,
  groupMetadataValue,
  readStructure,
  structureReader,
} from '../../wire/index.ts'

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
/** Of values that are written. Every version is read. */
const valueVersion = 3

export function encodeGroupKey(group: string): Uint8Array {
  return encodeVersioned(groupMetadataKey, keyVersion, { group })
}

/** Undefined for a key of another kind. */
export function decodeGroupKey(bytes: Uint8Array): string | undefined {
  const from = structureReader(bytes, 'a key in __consumer_offsets')
  const version = from.int16()
  return version === keyVersion ? readStructure(groupMetadataKey, version, from).group : undefined
}

export function encodeGroupValue(group: KeptGroup): Uint8Array {
  const { protocolType, generation, protocol, leader, sinceMs, members } = group
  return encodeVersioned(groupMetadataValue, valueVersion, {
    protocolType,
    generation,
    protocol: protocol ?? null,
    leader: leader ?? null,
    currentStateTimestamp: sinceMs,
    members: members.map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
}

/**
 * Copies what it keeps: the bytes belong to a read.
 * @throws MillraceError UNSUPPORTED_FORMAT, CORRUPT_BATCH
 */
export function decodeGroupValue(bytes: Uint8Array): KeptGroup {
  const from = structureReader(bytes, 'a group in __consumer_offsets')
  const version = from.int16()
  const group = readStructure(groupMetadataValue, version, from)
  return {
    protocolType: group.protocolType,
    generation: group.generation,
    protocol: group.protocol ?? undefined,
    leader: group.leader ?? undefined,
    sinceMs: group.currentStateTimestamp,
    members: group.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId ?? undefined,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 has one time for both.
      rebalanceTimeoutMs: version >= 1 ? member.rebalanceTimeout : member.sessionTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  }
}
