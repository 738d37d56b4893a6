/**
 * DescribeProducers (61), version 0: the producers that partitions remember (KIP-664). Tools find hanging
 * transactions by it. A partition that is named twice is answered once.
 *
 * Deviation: the last timestamp is the time of the last append by the machine's clock. Apache Kafka has the
 * largest timestamp of its records there.
 */
import { messages, type ResponseInput } from '../../wire/index.ts'
import { askedOnce } from './asked-partitions.ts'
import { codeOf, errorCodes, partitionMessageOf } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Answer = ResponseInput<typeof messages.describeProducers>['topics'][number]['partitions'][number]

export const describeProducers: Handler = handler(
  messages.describeProducers,
  async ({ topics }, context) => ({
    throttleTimeMs: 0,
    topics: await inTurns(
      askedOnce(topics.map(({ name, partitionIndexes }) => ({ topic: name, indexes: partitionIndexes }))),
      context,
      async ([name, indexes]) => ({
        name,
        partitions: await inTurns(indexes, context, index => described(name, index, context)),
      }),
    ),
  }),
)

async function described(topic: string, index: number, { broker }: RequestContext): Promise<Answer> {
  try {
    const activeProducers = await broker.admin.describeProducers(topic, index)
    return { partitionIndex: index, errorCode: errorCodes.NONE, activeProducers }
  } catch (error) {
    const exceptions = { INVALID_ARGUMENT: 'INVALID_TOPIC_EXCEPTION' } as const
    return {
      partitionIndex: index,
      errorCode: codeOf(error, exceptions),
      errorMessage: partitionMessageOf(error),
      activeProducers: [],
    }
  }
}
