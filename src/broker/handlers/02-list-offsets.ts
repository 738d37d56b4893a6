/**
 * ListOffsets (2), versions 1-11: offsets by timestamp, and the special ones: -1 latest, -2 earliest,
 * -3 of the largest timestamp (KIP-734), -4 earliest local, -5 and -6 of tiered storage, which this log has
 * none of: the earliest is local, and nothing is remote. One that is newer than the request's version, or
 * unknown, is UNSUPPORTED_VERSION. A partition that is asked for twice is INVALID_REQUEST.
 *
 * Deviation: the largest timestamp is that of a record which can be read. Apache Kafka may answer with one
 * that DeleteRecords has deleted, as long as its segment is there.
 */
import { messages, type Request } from '../../wire/index.ts'
import type { OffsetSpec } from '../../port/index.ts'
import { checkEpoch } from '../fetch/epoch-check.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Partition = Request<typeof messages.listOffsets>['topics'][number]['partitions'][number]
type Isolation = 'read_committed' | 'read_uncommitted'

const none = -1

/** What negative timestamps ask for, and the first version that does. */
const special = new Map<number, { readonly at: OffsetSpec | 'nothing'; readonly since: number }>([
  [-1, { at: 'latest', since: 1 }],
  [-2, { at: 'earliest', since: 1 }],
  [-3, { at: 'max-timestamp', since: 7 }],
  [-4, { at: 'earliest', since: 8 }],
  [-5, { at: 'nothing', since: 9 }],
  [-6, { at: 'nothing', since: 11 }],
])

export const listOffsets: Handler = handler(messages.listOffsets, async (request, context) => {
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const asked = new Map<string, Map<number, Partition | 'twice'>>()
  for (const { name, partitions } of request.topics) {
    const ofTopic = asked.get(name) ?? new Map<number, Partition | 'twice'>()
    for (const each of partitions)
      ofTopic.set(each.partitionIndex, ofTopic.has(each.partitionIndex) ? 'twice' : each)
    asked.set(name, ofTopic)
  }
  return {
    throttleTimeMs: 0,
    topics: await inTurns(asked, context, async ([name, ofTopic]) => ({
      name,
      partitions: await inTurns(ofTopic, context, ([index, each]) =>
        each === 'twice'
          ? { ...nowhere(index), errorCode: errorCodes.INVALID_REQUEST }
          : found(name, each, isolation, context),
      ),
    })),
  }
})

async function found(topic: string, request: Partition, isolation: Isolation, context: RequestContext) {
  const { partitionIndex, currentLeaderEpoch, timestamp } = request
  const at = specOf(timestamp, context.version)
  if (at === undefined) return { ...nowhere(partitionIndex), errorCode: errorCodes.UNSUPPORTED_VERSION }
  try {
    const {
      partition,
      offset,
      timestamp: time = none,
    } = await context.broker.find(topic, partitionIndex, at === 'nothing' ? 'latest' : at, isolation)
    checkEpoch(partition, currentLeaderEpoch)
    if (at === 'nothing' || offset === undefined) return nowhere(partitionIndex)
    return { ...nowhere(partitionIndex), timestamp: time, offset, leaderEpoch: partition.epochs.of(offset) }
  } catch (error) {
    return { ...nowhere(partitionIndex), errorCode: codeOf(error) }
  }
}

function nowhere(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: errorCodes.NONE as number,
    timestamp: none,
    offset: none,
    leaderEpoch: none,
  }
}

/** Undefined: the version does not know it. */
function specOf(timestamp: number, version: number): OffsetSpec | 'nothing' | undefined {
  if (timestamp >= 0) return { timestamp }
  const known = special.get(timestamp)
  return known && version >= known.since ? known.at : undefined
}
