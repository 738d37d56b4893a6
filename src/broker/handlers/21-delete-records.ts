/**
 * DeleteRecords (21), versions 0-2: drops the records before an offset, or with -1 all that are readable.
 * The answer is the first offset that is left, and comes when it is durable.
 *
 * Deviation: `timeoutMs` is not needed, since nothing waits for other replicas.
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

const none = -1

export const deleteRecords: Handler = handler(messages.deleteRecords, async (request, context) => {
  // A partition that is named twice counts once, with its last offset.
  const offsets = new Map<string, Map<number, number>>()
  for (const { name, partitions } of request.topics) {
    const ofTopic = offsets.get(name) ?? new Map<number, number>()
    for (const { partitionIndex, offset } of partitions) ofTopic.set(partitionIndex, offset)
    offsets.set(name, ofTopic)
  }
  return {
    throttleTimeMs: 0,
    topics: await inTurns(offsets, context, async ([name, ofTopic]) => ({
      name,
      partitions: await inTurns(ofTopic, context, ([index, offset]) =>
        deletedBelow(name, index, offset, context),
      ),
    })),
  }
})

async function deletedBelow(topic: string, index: number, offset: number, { broker }: RequestContext) {
  try {
    const lowWatermark = await broker.admin.deleteRecords(topic, index, offset)
    return { partitionIndex: index, lowWatermark, errorCode: errorCodes.NONE }
  } catch (error) {
    // Only the log itself and apps delete records of their topics.
    const errorCode = codeOf(error, { INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION' })
    return { partitionIndex: index, lowWatermark: none, errorCode }
  }
}
