/**
 * OffsetDelete (47), version 0: deletes offsets of a group, for topics that its members do not read
 * (GROUP_SUBSCRIBED_TO_TOPIC). Members other than consumers, as those of Kafka Connect, do not say what they
 * read: their group is refused with NON_EMPTY_GROUP.
 *
 * Deviation: the group of an app is refused with POLICY_VIOLATION, since its state belongs to its offsets.
 */
import type { TopicPartition } from '../../port/index.ts'
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes, type Exceptions } from './error-codes.ts'
import { coordinatorErrors } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

export const offsetDelete: Handler = handler(messages.offsetDelete, async (request, context) => {
  const { groupId, topics: asked } = request
  if (groupId === '') return refused(errorCodes.INVALID_GROUP_ID)
  const isRead = context.broker.groupAdmin.reads(groupId)
  const topics = asked.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: refusal({ topic: name, partition: partitionIndex }, isRead, context),
    })),
  }))
  const gone = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ errorCode }) => errorCode === errorCodes.NONE)
      .map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
  )
  try {
    // Also without any: the group is checked.
    await context.broker.groupAdmin.deleteOffsets(groupId, gone)
    return { errorCode: errorCodes.NONE, throttleTimeMs: 0, topics }
  } catch (error) {
    return refused(codeOf(error, exceptions))
  }
})

function refusal(
  { topic, partition }: TopicPartition,
  isRead: (topic: string) => boolean,
  { broker }: RequestContext,
): number {
  try {
    broker.checkPartition(topic, partition)
    return isRead(topic) ? errorCodes.GROUP_SUBSCRIBED_TO_TOPIC : errorCodes.NONE
  } catch (error) {
    return codeOf(error)
  }
}

/** Of an app. */
const exceptions: Exceptions = { ...coordinatorErrors, INVALID_ARGUMENT: 'POLICY_VIOLATION' }

function refused(errorCode: number) {
  return { errorCode, throttleTimeMs: 0, topics: [] }
}
