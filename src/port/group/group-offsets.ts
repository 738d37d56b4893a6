/**
 * The committed offsets of a consumer group: their lag, and how to move them, as in `kafka-consumer-groups`.
 */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import { missingTopic } from '../ensure-topic.ts'
import type { Reason } from '../log-admin.ts'
import type { LogPort, OffsetCommit, StartSpec, TopicPartition } from '../log-port.ts'

/** A partition for which a group has committed. */
export interface GroupPartition extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number
  /** The lag in records, approximately. Undefined: the partition does not tell its end. */
  readonly lag: number | undefined
  /** Why the lag is not known: the partition is damaged, or was deleted meanwhile. */
  readonly failure?: Reason
}

/** The lag of a group, by topic and partition. A partition that refuses keeps none from being shown. */
export async function withLags(
  port: LogPort,
  offsets: readonly OffsetCommit[],
): Promise<readonly GroupPartition[]> {
  const partitions: GroupPartition[] = []
  for (const { topic, partition, offset } of offsets)
    partitions.push({ topic, partition, offset, ...(await lagOf(port, topic, partition, offset)) })
  return partitions.sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  )
}

async function lagOf(
  port: LogPort,
  topic: string,
  partition: number,
  offset: number,
): Promise<Pick<GroupPartition, 'lag' | 'failure'>> {
  try {
    return { lag: Math.max(0, (await port.offsets(topic, partition, 'latest')) - offset) }
  } catch (error) {
    if (!isMillraceError(error) || error.code === 'CLOSED') throw error
    return { lag: undefined, failure: { code: error.code, message: error.message } }
  }
}

/**
 * The target of a move: an offset that each partition must have, an end, or the first record at or after a
 * time.
 */
export type ResetTarget = number | StartSpec

/** The partitions to move: some of a topic, all of a topic, or all that the group has committed. */
export type ResetScope =
  | { readonly topic: string; readonly partitions?: readonly number[] | undefined }
  | 'all topics'

export interface OffsetMove extends TopicPartition {
  /** Undefined without a committed offset. */
  readonly before: number | undefined
  readonly after: number
}

/**
 * Where a reset would move the offsets of a group, which may be one that has committed nothing yet.
 *
 * @throws MillraceError OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION; INVALID_ARGUMENT if there is
 *   nothing to move
 */
export async function offsetMoves(
  port: LogPort,
  group: string,
  scope: ResetScope,
  to: ResetTarget,
): Promise<OffsetMove[]> {
  const committed = await committedBy(port, group)
  const moves: OffsetMove[] = []
  for (const { topic, partition } of await partitionsIn(port, group, committed, scope)) {
    const before = committed.find(each => each.topic === topic && each.partition === partition)?.offset
    moves.push({ topic, partition, before, after: await resolveTarget(port, topic, partition, to) })
  }
  return moves
}

/**
 * Moves the offsets of a group without members. Its offsets of other partitions stay.
 *
 * @throws MillraceError GROUP_NOT_EMPTY; PARTITION_DAMAGED if committed offsets were lost, and some
 *   would stay as they are
 */
export async function moveOffsets(port: LogPort, group: string, moves: readonly OffsetMove[]): Promise<void> {
  const isMoved = ({ topic, partition }: TopicPartition): boolean =>
    moves.some(move => move.topic === topic && move.partition === partition)
  const others = (await committedBy(port, group)).filter(each => !isMoved(each))
  // The offsets that stay must be known to be valid.
  if (others.length > 0) await port.committedOffsets(group, others)
  const moved = moves.map(({ topic, partition, after }) => ({ topic, partition, offset: after }))
  await port.setOffsets(group, [...others, ...moved])
}

/**
 * The offset that a target means in a partition.
 * @throws MillraceError OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION
 */
export async function resolveTarget(
  port: LogPort,
  topic: string,
  partition: number,
  to: ResetTarget,
): Promise<number> {
  if (typeof to !== 'number') return port.offsets(topic, partition, to)
  const [earliest, latest] = await Promise.all([
    port.offsets(topic, partition, 'earliest'),
    port.offsets(topic, partition, 'latest'),
  ])
  if (to >= earliest && to <= latest) return to
  throw new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `${topic}-${partition} has the offsets ${earliest} to ${latest}, not ${to}. Nothing was moved. Use one of these, 'earliest', 'latest' or a time.`,
  )
}

async function committedBy(port: LogPort, group: string): Promise<readonly OffsetCommit[]> {
  return (await port.listGroups()).find(each => each.group === group)?.offsets ?? []
}

async function partitionsIn(
  port: LogPort,
  group: string,
  committed: readonly OffsetCommit[],
  scope: ResetScope,
): Promise<readonly TopicPartition[]> {
  if (scope === 'all topics') {
    if (committed.length > 0) return committed
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The group '${group}' has committed nothing over this log, so there is nothing to move. See 'millrace group list', or name a topic.`,
    )
  }
  const { topic, partitions } = scope
  const description = await port.describeTopic(topic)
  if (!description) throw missingTopic(topic, { advice: "See 'millrace topic list'." })
  const all = Array.from({ length: description.partitions }, (_, partition) => partition)
  return (partitions ?? all).map(partition => ({ topic, partition }))
}
