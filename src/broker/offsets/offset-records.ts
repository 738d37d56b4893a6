/** The records of committed offsets and of groups, as `__consumer_offsets` takes them. */
import type { OffsetCommit, TopicPartition } from '../../port/index.ts'
import { encodeGroupKey, encodeGroupValue, type KeptGroup } from './group-records.ts'
import type { InternalRecord } from '../internal/internal-log.ts'
import { encodeOffsetKey, encodeOffsetValue, type StoredOffset } from './stored-offset.ts'

/** The records of committed offsets of a group. */
export function* offsetRecords(group: string, offsets: Iterable<StoredOffset>): Generator<InternalRecord> {
  for (const offset of offsets)
    yield { key: encodeOffsetKey(group, offset), value: encodeOffsetValue(offset) }
}

/** The records that delete the offsets of a group for these partitions. */
export function tombstones(group: string, gone: readonly TopicPartition[]): InternalRecord[] {
  return gone.map(partition => ({ key: encodeOffsetKey(group, partition), value: null }))
}

/** The record that keeps a group; undefined: that deletes it. */
export function groupRecord(group: string, kept: KeptGroup | undefined): InternalRecord {
  return { key: encodeGroupKey(group), value: kept ? encodeGroupValue(kept) : null }
}

/** A kept offset as its committer gave it. */
export function commitOf({ topic, partition, offset, leaderEpoch, metadata }: StoredOffset): OffsetCommit {
  return {
    topic,
    partition,
    offset,
    ...(leaderEpoch < 0 ? {} : { leaderEpoch }),
    ...(metadata === '' ? {} : { metadata }),
  }
}
