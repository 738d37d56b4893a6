/**
 * Fetch (1), versions 4-18: batches from given offsets on, as they are in the files, without a copy. Topics
 * are named by their ids from version 13 on.
 *
 * Sessions (KIP-227) from version 7 on: see fetch/fetch-sessions.ts. What is waited for, and in which order
 * partitions are read: fetch/partition-fetch.ts.
 *
 * Deviations: throttling and followers do not exist here, and the preferred replica is always this one. A
 * batch of a partition is never cut: Apache Kafka may end a response in the middle of one.
 */
import type { Partition, UnrecoveredPartition } from '../../log/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { finalEpoch, initialEpoch, type FetchSession } from '../fetch/fetch-sessions.ts'
import { fetchAll, type Fetched } from '../fetch/partition-fetch.ts'
import {
  SessionPartitions,
  type PartitionRequest,
  type SessionPartition,
} from '../fetch/session-partitions.ts'
import { missingTopicId } from './topic-ids.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.fetch
type Topic = ResponseInput<Message>['responses'][number]
type Answer = Topic['partitions'][number]
type ForgottenPartition = Pick<SessionPartition, 'topic' | 'index'>

const byIdVersion = 13
/** The first version whose clients know zstd. */
const zstdVersion = 10
const none = -1

export const fetch: Handler = handler(messages.fetch, async (request, context) => {
  const opened = openSession(request, context)
  if (typeof opened === 'number') return { throttleTimeMs: 0, errorCode: opened, responses: [] }
  const { session, isIncremental, partitions } = opened
  const byIds = context.version >= byIdVersion
  const { maxWaitMs, minBytes, isolationLevel } = request
  const bytesMax = Math.min(request.maxBytes, context.broker.configNumber('fetch.max.bytes'))
  const fetched = await fetchAll(
    partitions,
    {
      find: asked => find(asked, byIds, context),
      isolation: isolationLevel === 1 ? 'read_committed' : 'read_uncommitted',
      bytesMin: Math.min(minBytes, bytesMax),
      bytesMax,
      waitMs: Math.max(0, maxWaitMs),
      over: context.over,
    },
    context,
  )
  for (const each of fetched) if (each.kind === 'read' && each.result.lent) context.holds(each.result.lent)
  const topics = new Map<string, Answer[]>()
  for (const [n, each] of fetched.entries()) {
    const asked = partitions[n]!
    const answer = answerOf(asked, each, byIds, isolationLevel === 1, context)
    if (isIncremental && !isNews(asked, answer)) continue
    remember(session, asked, answer)
    const ofTopic = topics.get(asked.topic)
    if (ofTopic) ofTopic.push(answer)
    else topics.set(asked.topic, [answer])
  }
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    sessionId: session?.id ?? 0,
    responses: byTopic(topics, byIds),
  }
})

function byTopic(topics: ReadonlyMap<string, Answer[]>, byIds: boolean): Topic[] {
  const responses: Topic[] = []
  for (const [topic, partitions] of topics)
    responses.push(byIds ? { topicId: topic, partitions } : { topic, partitions })
  return responses
}

interface OpenedSession {
  /** Undefined: the client has none. */
  readonly session: FetchSession | undefined
  /** The response names only what is new. */
  readonly isIncremental: boolean
  readonly partitions: readonly SessionPartition[]
}

/** The session that a request begins, continues or ends; or why it cannot. */
function openSession(
  request: Request<Message>,
  { fetchSessions, version }: RequestContext,
): OpenedSession | number {
  const { sessionId, sessionEpoch } = request
  const byIds = version >= byIdVersion
  const asked = requestsOf(request, byIds)
  if (sessionEpoch === initialEpoch || sessionEpoch === finalEpoch) {
    if (sessionId !== 0) fetchSessions.end(sessionId)
    const session = sessionEpoch === initialEpoch ? fetchSessions.begin(byIds, asked) : undefined
    // A partition that is named twice counts once, as in a session.
    const partitions = [...(session?.partitions ?? new SessionPartitions(asked))]
    return { session, isIncremental: false, partitions }
  }
  const session = fetchSessions.get(sessionId)
  if (!session) return errorCodes.FETCH_SESSION_ID_NOT_FOUND
  if (session.byIds !== byIds) return errorCodes.FETCH_SESSION_TOPIC_ID_ERROR
  if (session.epoch !== sessionEpoch) return errorCodes.INVALID_FETCH_SESSION_EPOCH
  const forgotten = forgottenBy(request, byIds)
  if (!fetchSessions.advance(session, asked, forgotten)) return errorCodes.FETCH_SESSION_ID_NOT_FOUND
  const partitions = [...session.partitions]
  if (partitions.length > 0) return { session, isIncremental: true, partitions }
  fetchSessions.end(session.id)
  return { session: undefined, isIncremental: false, partitions }
}

function requestsOf({ topics }: Request<Message>, byIds: boolean): PartitionRequest[] {
  const requests: PartitionRequest[] = []
  for (const { topic, topicId, partitions } of topics)
    for (const each of partitions)
      requests.push({
        topic: byIds ? topicId : topic,
        index: each.partition,
        offset: each.fetchOffset,
        bytesMax: each.partitionMaxBytes,
        leaderEpoch: each.currentLeaderEpoch,
        lastFetchedEpoch: each.lastFetchedEpoch,
      })
  return requests
}

function forgottenBy({ forgottenTopicsData }: Request<Message>, byIds: boolean): ForgottenPartition[] {
  const forgotten: ForgottenPartition[] = []
  for (const { topic, topicId, partitions } of forgottenTopicsData)
    for (const index of partitions) forgotten.push({ topic: byIds ? topicId : topic, index })
  return forgotten
}

function find(
  { topic, index }: PartitionRequest,
  byIds: boolean,
  { broker }: RequestContext,
): Partition | UnrecoveredPartition {
  const name = byIds ? broker.topicName(topic) : topic
  if (name === undefined) throw missingTopicId(topic)
  return broker.unrecovered(name, index) ?? broker.partition(name, index)
}

function answerOf(
  asked: SessionPartition,
  fetched: Fetched,
  byIds: boolean,
  isCommitted: boolean,
  context: RequestContext,
): Answer {
  switch (fetched.kind) {
    case 'unrecovered':
      // Retried by the client.
      return { ...nothingFor(asked), errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER }
    case 'failed': {
      const { error, partition } = fetched
      const unknown = byIds ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
      // A partition that is closed while the broker is open was deleted meanwhile.
      const errorCode = codeOf(error, {
        UNKNOWN_TOPIC: unknown,
        ...(context.broker.isOpen ? { CLOSED: unknown } : {}),
      })
      const leaderEpoch = partition?.epochs.latest ?? none
      const isStale = errorCode === errorCodes.FENCED_LEADER_EPOCH
      return {
        ...nothingFor(asked),
        errorCode,
        ...(isStale ? { currentLeader: { leaderId: context.nodeId, leaderEpoch } } : {}),
      }
    }
    case 'diverged': {
      const { partition, epoch, endOffset } = fetched
      const { highWatermark, lastStableOffset, logStartOffset } = partition
      return {
        ...nothingFor(asked),
        highWatermark,
        lastStableOffset,
        logStartOffset,
        divergingEpoch: { epoch, endOffset },
      }
    }
    case 'read': {
      const { partition, result } = fetched
      if (context.version < zstdVersion && partition.settings.compressionType === 'zstd')
        return { ...nothingFor(asked), errorCode: errorCodes.UNSUPPORTED_COMPRESSION_TYPE }
      const { highWatermark, lastStableOffset, logStartOffset, abortedTransactions, batches } = result
      return {
        partitionIndex: asked.index,
        errorCode: errorCodes.NONE,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        abortedTransactions: isCommitted ? abortedTransactions : null,
        records: batches,
      }
    }
  }
}

function nothingFor({ index }: SessionPartition): Answer {
  return {
    partitionIndex: index,
    errorCode: errorCodes.NONE,
    highWatermark: none,
    abortedTransactions: null,
    records: noBytes,
  }
}

/** Whether a client that has a session is told of the partition. */
function isNews(told: SessionPartition, answer: Answer): boolean {
  return (
    (answer.records?.length ?? 0) > 0 ||
    answer.errorCode !== errorCodes.NONE ||
    answer.divergingEpoch !== undefined ||
    answer.highWatermark !== told.highWatermark ||
    answer.logStartOffset !== told.logStartOffset
  )
}

/** What the client now knows. A partition that had records is the last one to be read next time. */
function remember(session: FetchSession | undefined, told: SessionPartition, answer: Answer): void {
  if (!session) return
  const isError = answer.errorCode !== errorCodes.NONE
  // An error is told again, and so is its end.
  told.highWatermark = isError ? none : answer.highWatermark
  told.logStartOffset = isError ? none : (answer.logStartOffset ?? none)
  if ((answer.records?.length ?? 0) === 0) return
  session.partitions.moveToEnd(told)
}

const noBytes = new Uint8Array(0)
