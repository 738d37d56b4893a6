/**
 * WriteTxnMarkers (27), versions 1-2: ends transactions in single partitions. Tools send it to abort one that
 * hangs: one that is open there, and that no coordinator will end.
 *
 * - A transaction that the coordinator has in hand is ended by its transactional id alone: INVALID_TXN_STATE.
 *   Apache Kafka leaves that check to the tool, and a part of a transaction is then aborted.
 * - Where the producer has no open transaction nothing is appended, and the answer is the same. Apache Kafka
 *   appends the marker.
 * - With `transactionVersion` 2 the epoch must be later than that of the transaction (KIP-890).
 */
import { messages, type Request } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Marker = Request<typeof messages.writeTxnMarkers>['markers'][number]

export const writeTxnMarkers: Handler = handler(messages.writeTxnMarkers, async ({ markers }, context) => {
  const answers = []
  for (const marker of markers) {
    const { producerId, topics } = marker
    answers.push({
      producerId,
      topics: await inTurns(topics, context, async ({ name, partitionIndexes }) => ({
        name,
        partitions: await inTurns(partitionIndexes, context, index => written(name, index, marker, context)),
      })),
    })
  }
  return { markers: answers }
})

async function written(
  topic: string,
  index: number,
  { producerId, producerEpoch, coordinatorEpoch, transactionResult, transactionVersion }: Marker,
  { broker }: RequestContext,
) {
  try {
    await broker.admin.writeMarker(topic, index, {
      type: transactionResult ? 'commit' : 'abort',
      producerId,
      producerEpoch,
      coordinatorEpoch,
      transactionVersion,
    })
    return { partitionIndex: index, errorCode: errorCodes.NONE }
  } catch (error) {
    return { partitionIndex: index, errorCode: codeOf(error) }
  }
}
