/** Offsets that a request commits, one by one: outside of a transaction, and in one. */
import type { OffsetCommit } from '../../port/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import type { RequestContext } from './handler.ts'

/** A partition in a request that commits offsets. */
export interface OffsetRequest {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

export interface CheckedOffset {
  readonly partitionIndex: number
  /** Why there is no such partition. */
  readonly missing: number
  /** Why the offset is not committed, though the committer may. */
  readonly fault: number
  readonly commit: OffsetCommit | undefined
}

/** `topic`: undefined where no topic has the id of the request. */
export function checkedOffset(
  topic: string | undefined,
  request: OffsetRequest,
  { broker }: Pick<RequestContext, 'broker'>,
): CheckedOffset {
  const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = request
  const none = { partitionIndex, missing: errorCodes.NONE, fault: errorCodes.NONE, commit: undefined }
  if (topic === undefined) return { ...none, missing: errorCodes.UNKNOWN_TOPIC_ID }
  try {
    broker.checkPartition(topic, partitionIndex)
  } catch (error) {
    return { ...none, missing: codeOf(error) }
  }
  const metadata = committedMetadata ?? ''
  if (metadata.length > broker.configNumber('offset.metadata.max.bytes'))
    return { ...none, fault: errorCodes.OFFSET_METADATA_TOO_LARGE }
  if (committedOffset < 0) return { ...none, fault: errorCodes.OFFSET_OUT_OF_RANGE }
  const commit = {
    topic,
    partition: partitionIndex,
    offset: committedOffset,
    leaderEpoch: committedLeaderEpoch,
    metadata,
  }
  return { ...none, commit }
}

interface CheckedTopic {
  readonly partitions: readonly CheckedOffset[]
}

interface AnsweredTopic {
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
}

/**
 * Commits what was checked, and answers every partition: that it does not exist, else what the committer is
 * refused with, else what is wrong with the offset. `commit` returns the code of the committer. If any
 * partition exists it is called, also without an offset: so a committer who may not commit learns that.
 */
export async function commitEach<T extends CheckedTopic>(
  topics: readonly T[],
  commit: (offsets: readonly OffsetCommit[]) => Promise<number>,
): Promise<(Omit<T, 'partitions'> & AnsweredTopic)[]> {
  const all = topics.flatMap(({ partitions }) => partitions)
  const exist = all.some(({ missing }) => missing === errorCodes.NONE)
  const refusal = exist ? await commit(all.flatMap(each => each.commit ?? [])) : errorCodes.NONE
  return topics.map(({ partitions, ...names }) => ({
    ...names,
    partitions: partitions.map(({ partitionIndex, missing, fault }) => ({
      partitionIndex,
      errorCode: missing || refusal || fault,
    })),
  }))
}
