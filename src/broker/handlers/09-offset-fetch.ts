/**
 * OffsetFetch (9), versions 1-10: the committed offsets of a group; from version 8 on, of several groups.
 * Topics are named by their ids in version 10. Null instead of topics: all partitions that the group has
 * committed.
 *
 * - A partition without an offset is answered with -1, also one that does not exist, or of an unknown group.
 * - With `requireStable` (version 7) an offset that an open transaction, or a commit in flight, is about to
 *   change is UNSTABLE_OFFSET_COMMIT, and the client asks again (KIP-447). Apache Kafka waits for commits in
 *   flight instead.
 * - A group or a partition that is named twice is answered once. Apache Kafka answers it twice: a partition
 *   may have a thousand times as much metadata as its number has bytes.
 * - Version 1 has no code for the group: each of its partitions has it.
 * - Member ids and epochs (version 9) are of the newer group protocol, which is not offered.
 */
import { messages, zeroUuid, type Request, type ResponseInput } from '../../wire/index.ts'
import type { OffsetsNow } from '../offsets/offsets.ts'
import { askedOnce } from './asked-partitions.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { coordinatorErrors } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.offsetFetch
type Asked = Pick<Request<Message>['groups'][number], 'groupId' | 'topics'>
type Partition = NonNullable<ResponseInput<Message>['topics']>[number]['partitions'][number]

interface Topic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly Partition[]
}

/** The answer for a group, as versions 8 and later have it. */
interface Group {
  readonly groupId: string
  readonly topics: readonly Topic[]
  readonly errorCode: number
}

const severalVersion = 8
const byIdVersion = 10
const groupCodeVersion = 2
const none = -1

export const offsetFetch: Handler = handler(messages.offsetFetch, (request, context) => {
  const { groups, groupId, topics: asked, requireStable } = request
  if (context.version >= severalVersion)
    return { groups: Array.from(once(groups), group => answerOf(group, requireStable, context)) }
  const withIds = asked?.map(topic => ({ ...topic, topicId: zeroUuid })) ?? null
  const { topics, errorCode } = answerOf({ groupId, topics: withIds }, requireStable, context)
  if (errorCode === errorCodes.NONE || context.version >= groupCodeVersion) return { topics, errorCode }
  return {
    topics: (asked ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(index => nothing(index, errorCode)),
    })),
  }
})

function answerOf({ groupId, topics }: Asked, requireStable: boolean, context: RequestContext): Group {
  try {
    const now = context.broker.groupOffsets.now(groupId)
    const answer = topics
      ? namedTopics(topics, now, requireStable, context)
      : allTopics(now, requireStable, context)
    return { groupId, topics: answer, errorCode: errorCodes.NONE }
  } catch (error) {
    return { groupId, topics: [], errorCode: codeOf(error, coordinatorErrors) }
  }
}

/** What a request asks of a group, together. */
function once(groups: readonly Asked[]): Asked[] {
  return Array.from(
    Map.groupBy(groups, ({ groupId }) => groupId),
    ([groupId, asked]) => {
      const isAll = asked.some(({ topics }) => topics === null)
      return { groupId, topics: isAll ? null : asked.flatMap(({ topics }) => topics ?? []) }
    },
  )
}

function namedTopics(
  topics: NonNullable<Asked['topics']>,
  now: OffsetsNow,
  requireStable: boolean,
  { broker, version }: RequestContext,
): Topic[] {
  const byIds = version >= byIdVersion
  const asked = askedOnce(
    topics.map(({ name, topicId, partitionIndexes }) => ({
      topic: byIds ? topicId : name,
      indexes: partitionIndexes,
    })),
  )
  return Array.from(asked, ([named, indexes]) => {
    const topic = byIds ? broker.topicName(named) : named
    const partitions = Array.from(indexes, index =>
      topic === undefined
        ? nothing(index, errorCodes.UNKNOWN_TOPIC_ID)
        : partitionOf(topic, index, now, requireStable),
    )
    return { name: byIds ? '' : named, topicId: byIds ? named : zeroUuid, partitions }
  })
}

function allTopics(now: OffsetsNow, requireStable: boolean, { broker }: RequestContext): Topic[] {
  const byTopic = Map.groupBy(now.all, ({ topic }) => topic)
  return Array.from(byTopic, ([name, offsets]) => ({
    name,
    topicId: broker.describeTopic(name)?.id ?? zeroUuid,
    partitions: offsets.map(({ partition }) => partitionOf(name, partition, now, requireStable)),
  }))
}

function partitionOf(topic: string, partition: number, now: OffsetsNow, requireStable: boolean): Partition {
  const place = { topic, partition }
  if (requireStable && now.isPending(place)) return nothing(partition, errorCodes.UNSTABLE_OFFSET_COMMIT)
  const committed = now.get(place)
  if (!committed) return nothing(partition, errorCodes.NONE)
  const { offset, leaderEpoch = none, metadata = '' } = committed
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: errorCodes.NONE,
  }
}

function nothing(partitionIndex: number, errorCode: number): Partition {
  return { partitionIndex, committedOffset: none, committedLeaderEpoch: none, metadata: '', errorCode }
}
