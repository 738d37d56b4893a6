/**
 * Committed offsets in `__consumer_offsets`, in Kafka's own formats (wire/structures/offset-commit.ts), so
 * that its tools print them and a cluster's can be read. Groups with members: group-records.ts.
 *
 * A value of version 3 that millrace writes is followed by the 16 bytes of the topic's id: Kafka's readers,
 * and millrace 0.1.0, end before it. Version 4, which a cluster may write, has a tagged field for it. A null
 * value is a tombstone.
 */
import type { TopicPartition } from '../../port/index.ts'
import {
  encodeVersioned,
  offsetCommitKey,
  offsetCommitValue,
  readStructure,
  structureReader,
  zeroUuid,
} from '../../wire/index.ts'

/** Of keys that are written, and of older ones. Other versions are keys of other records. */
const keyVersion = 1
const oldKeyVersion = 0
/** Of values that are written. Every version is read. */
const valueVersion = 3
const topicIdBytes = 16

/** An offset as it is kept. */
export interface StoredOffset extends TopicPartition {
  readonly offset: number
  /** Of the last record that was processed, as the committer knew it; -1: unknown. */
  readonly leaderEpoch: number
  /** May be empty. */
  readonly metadata: string
  /** When it was committed: offsets of groups without members expire by it. */
  readonly committedMs: number
  /** In base64url, as in the metadata. Undefined for what 0.1.0 wrote. */
  readonly topicId: string | undefined
}

export function encodeOffsetKey(group: string, { topic, partition }: TopicPartition): Uint8Array {
  return encodeVersioned(offsetCommitKey, keyVersion, { group, topic, partition })
}

/** Undefined for a key of another kind. */
export function decodeOffsetKey(bytes: Uint8Array): ({ group: string } & TopicPartition) | undefined {
  const from = structureReader(bytes, 'a key in __consumer_offsets')
  const version = from.int16()
  if (version !== keyVersion && version !== oldKeyVersion) return undefined
  return readStructure(offsetCommitKey, version, from)
}

export function encodeOffsetValue(stored: StoredOffset): Uint8Array {
  const { offset, leaderEpoch, metadata, committedMs, topicId } = stored
  const value = encodeVersioned(offsetCommitValue, valueVersion, {
    offset,
    leaderEpoch,
    metadata,
    commitTimestamp: committedMs,
  })
  return topicId === undefined ? value : Buffer.concat([value, Buffer.from(topicId, 'base64url')])
}

/** @throws MillraceError UNSUPPORTED_FORMAT, CORRUPT_BATCH */
export function decodeOffsetValue(bytes: Uint8Array): Omit<StoredOffset, keyof TopicPartition> {
  const from = structureReader(bytes, 'a committed offset in __consumer_offsets')
  const version = from.int16()
  const value = readStructure(offsetCommitValue, version, from)
  const isAtEnd = version === valueVersion && from.bytesLeft === topicIdBytes
  const topicId = isAtEnd ? from.uuid() : value.topicId
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    committedMs: value.commitTimestamp,
    topicId: topicId === zeroUuid ? undefined : topicId,
  }
}
