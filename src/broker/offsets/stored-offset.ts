/**
 * Keys and values of `__consumer_offsets`, in Kafka's own formats, so that its tools print them and a
 * cluster's can be read. The kinds of fields: wire/fields.ts. Groups with members: group-records.ts.
 *
 * `__consumer_offsets`   key    version int16 = 1 | group | topic | partition int32
 *                        value  version int16 = 3 | offset int64 | leader epoch int32 | metadata | commit timestamp int64 |
 *                               topic id 16 bytes, which is millrace's own: Kafka's readers, and millrace 0.1.0, end before it
 *
 * A null value is a tombstone. Of offsets version 4, which a cluster may write, is read as well.
 */
import type { TopicPartition } from '../../port/index.ts'
import { FieldReader, FieldWriter } from '../../wire/index.ts'

export function encodeOffsetKey(group: string, { topic, partition }: TopicPartition): Uint8Array {
  return new FieldWriter().int16(1).string(group).string(topic).int32(partition).finish()
}

/** Undefined for a key of another kind. */
export function decodeOffsetKey(bytes: Uint8Array): ({ group: string } & TopicPartition) | undefined {
  const from = new FieldReader(bytes)
  const version = from.int16()
  if (version !== 0 && version !== 1) return undefined
  return { group: from.string(), topic: from.string(), partition: from.int32() }
}

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

const topicIdBytes = 16

export function encodeOffsetValue(stored: StoredOffset): Uint8Array {
  const { offset, leaderEpoch, metadata, committedMs, topicId } = stored
  const to = new FieldWriter().int16(3).int64(offset).int32(leaderEpoch).string(metadata).int64(committedMs)
  if (topicId !== undefined) to.raw(Buffer.from(topicId, 'base64url'))
  return to.finish()
}

export function decodeOffsetValue(bytes: Uint8Array): Omit<StoredOffset, keyof TopicPartition> {
  const from = new FieldReader(bytes)
  const version = from.int16()
  const offset = from.int64()
  const leaderEpoch = version >= 3 ? from.int32() : -1
  const metadata = version >= 4 ? from.compactString() : from.string()
  const committedMs = from.int64()
  const topicId = version >= 4 ? taggedTopicId(from) : topicIdAtEnd(from)
  return { offset, leaderEpoch, metadata, committedMs, topicId }
}

function topicIdAtEnd(from: FieldReader): string | undefined {
  return from.bytesLeft === topicIdBytes ? from.raw(topicIdBytes).toString('base64url') : undefined
}

/** Kafka's own place for it, in version 4: the tagged field 0. */
function taggedTopicId(from: FieldReader): string | undefined {
  let topicId: string | undefined
  from.tags((tag, value) => {
    if (tag === 0 && value.length === topicIdBytes) topicId = value.toString('base64url')
  })
  return topicId
}
