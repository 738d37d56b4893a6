/**
 * DescribeLogDirs (35), versions 1-5: the data directory, the bytes of records of each partition in it, and
 * the room on its device. Null topics ask for all partitions; those that are not there are left out.
 */
import type { TopicPartition } from '../../port/index.ts'
import { messages, type Request } from '../../wire/index.ts'
import { askedOnce } from './asked-partitions.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Asked = Request<typeof messages.describeLogDirs>['topics']

const unknown = -1

export const describeLogDirs: Handler = handler(messages.describeLogDirs, async (request, context) => {
  const partitions = partitionsOf(request.topics, context)
  try {
    const { path, space, bytes } = await context.broker.admin.describeLogDirectory(partitions)
    const found = partitions.flatMap(({ topic, partition: partitionIndex }, n) => {
      const partitionSize = bytes[n]
      return partitionSize === undefined ? [] : [{ topic, partitionIndex, partitionSize }]
    })
    const topics = Array.from(
      Map.groupBy(found, ({ topic }) => topic),
      ([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partitionIndex, partitionSize }) => ({
          partitionIndex,
          partitionSize,
          // There are no followers, and no moves between directories.
          offsetLag: 0,
          isFutureKey: false,
        })),
      }),
    )
    const { totalBytes = unknown, usableBytes = unknown } = space ?? {}
    const directory = { errorCode: errorCodes.NONE, logDir: path, topics, totalBytes, usableBytes }
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, results: [directory] }
  } catch (error) {
    const directory = { errorCode: codeOf(error), logDir: context.broker.admin.path, topics: [] }
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, results: [directory] }
  }
})

/** Each of them once. */
function partitionsOf(topics: Asked, { broker }: RequestContext): TopicPartition[] {
  if (topics === null)
    return broker
      .listTopics(true)
      .flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
      )
  const asked = askedOnce(topics.map(({ topic, partitions }) => ({ topic, indexes: partitions })))
  return Array.from(asked, ([topic, indexes]) => {
    const count = broker.describeTopic(topic)?.partitions ?? 0
    return [...indexes].filter(index => index < count).map(partition => ({ topic, partition }))
  }).flat()
}
