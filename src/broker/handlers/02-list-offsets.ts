/**
 * ListOffsets (2), versions 1-11: offsets by timestamp, and the special ones: -1 latest, -2 earliest,
 * -3 of the largest timestamp (KIP-734), -4 earliest local, -5 and -6 of tiered storage, which this log has
 * none of: the earliest is local, and nothing is remote.
 */
import { messages, type Request } from '../../wire/index.ts'
import type { OffsetSpec } from '../../port/index.ts'
import { checkEpoch } from '../fetch/epoch-check.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Partition = Request<typeof messages.listOffsets>['topics'][number]['partitions'][number]
type Isolation = 'read_committed' | 'read_uncommitted'

const none = -1
const special = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
  earliestPending: -6,
}

export const listOffsets: Handler = handler(messages.listOffsets, async (request, context) => {
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  return {
    throttleTimeMs: 0,
    topics: await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map(each => found(name, each, isolation, context))),
      })),
    ),
  }
})

async function found(topic: string, request: Partition, isolation: Isolation, { broker }: RequestContext) {
  const { partitionIndex, currentLeaderEpoch, timestamp } = request
  const nowhere = {
    partitionIndex,
    errorCode: errorCodes.NONE as number,
    timestamp: none,
    offset: none,
    leaderEpoch: none,
  }
  const at = specOf(timestamp)
  if (at === 'unknown') return { ...nowhere, errorCode: errorCodes.UNSUPPORTED_VERSION }
  try {
    const {
      partition,
      offset,
      timestamp: time = none,
    } = await broker.find(topic, partitionIndex, at === 'nothing' ? 'latest' : at, isolation)
    checkEpoch(partition, currentLeaderEpoch)
    if (at === 'nothing' || offset === undefined) return nowhere
    return { ...nowhere, timestamp: time, offset, leaderEpoch: partition.epochs.of(offset) }
  } catch (error) {
    return { ...nowhere, errorCode: codeOf(error) }
  }
}

function specOf(timestamp: number): OffsetSpec | 'nothing' | 'unknown' {
  switch (timestamp) {
    case special.latest:
      return 'latest'
    case special.earliest:
    case special.earliestLocal:
      return 'earliest'
    case special.maxTimestamp:
      return 'max-timestamp'
    case special.latestTiered:
    case special.earliestPending:
      return 'nothing'
    default:
      return timestamp < 0 ? 'unknown' : { timestamp }
  }
}
