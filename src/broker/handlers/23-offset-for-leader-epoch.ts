/**
 * OffsetForLeaderEpoch (23), versions 2-4: where a leader epoch ends, so that a consumer notices that records
 * which it has read are gone (KIP-320). An epoch that does not exist has -1 as its answer.
 */
import { messages, type Request } from '../../wire/index.ts'
import { checkEpoch } from '../fetch/epoch-check.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Partition = Request<typeof messages.offsetForLeaderEpoch>['topics'][number]['partitions'][number]

const none = -1

export const offsetForLeaderEpoch: Handler = handler(
  messages.offsetForLeaderEpoch,
  async ({ topics }, context) => ({
    throttleTimeMs: 0,
    topics: await inTurns(topics, context, async ({ topic, partitions }) => ({
      topic,
      partitions: await inTurns(partitions, context, each => endOfEpoch(topic, each, context)),
    })),
  }),
)

async function endOfEpoch(
  topic: string,
  { partition, currentLeaderEpoch, leaderEpoch }: Partition,
  { broker }: RequestContext,
) {
  const nowhere = { errorCode: errorCodes.NONE as number, partition, leaderEpoch: none, endOffset: none }
  try {
    const found = await broker.opened(topic, partition)
    checkEpoch(found, currentLeaderEpoch)
    const end = found.endOfEpoch(leaderEpoch)
    return end ? { ...nowhere, leaderEpoch: end.epoch, endOffset: end.endOffset } : nowhere
  } catch (error) {
    return { ...nowhere, errorCode: codeOf(error) }
  }
}
