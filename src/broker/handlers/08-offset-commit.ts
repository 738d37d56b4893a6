/**
 * OffsetCommit (8), versions 2-10: commits offsets of a group, in the name of a member or of nobody. Topics
 * are named by their ids from version 10 on.
 *
 * - Without a member, and with generation -1, anyone commits to a group without members: consumers that
 *   assign themselves, and tools. The empty name is a group as well.
 * - Partitions that do not exist are refused one by one; what is refused to the committer is the code of all
 *   others.
 * - A generation of a group that nobody knows: ILLEGAL_GENERATION, from version 9 on GROUP_ID_NOT_FOUND.
 * - The retention time of versions 2 to 4 has no effect: `offsets.retention.minutes` decides.
 *
 * Deviation: a negative offset is refused. Apache Kafka keeps it, and answers it as if there were none.
 */
import { isMillraceError } from '../../base/index.ts'
import type { OffsetCommit } from '../../port/index.ts'
import { messages, type Request } from '../../wire/index.ts'
import { checkedOffset, commitEach } from './committed-offset.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { committerOf, coordinatorErrors } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.offsetCommit
type Topic = Request<Message>['topics'][number]

const byIdVersion = 10
const unknownGroupVersion = 9

export const offsetCommit: Handler = handler(messages.offsetCommit, async (request, context) => {
  const topics = request.topics.map(topic => checkedTopic(topic, context))
  return { topics: await commitEach(topics, offsets => committed(request, offsets, context)) }
})

function checkedTopic(topic: Topic, context: RequestContext) {
  const { name, topicId, partitions } = topic
  const known = context.version >= byIdVersion ? context.broker.topicName(topicId) : name
  return { name, topicId, partitions: partitions.map(each => checkedOffset(known, each, context)) }
}

async function committed(
  request: Request<Message>,
  offsets: readonly OffsetCommit[],
  { broker, version }: RequestContext,
): Promise<number> {
  const { groupId: group, generationIdOrMemberEpoch: generation, memberId, groupInstanceId } = request
  try {
    await broker.groupOffsets.commit({
      group,
      ...committerOf(generation, memberId, groupInstanceId),
      offsets,
    })
    return errorCodes.NONE
  } catch (error) {
    const isGroupUnknown =
      isMillraceError(error, 'UNKNOWN_MEMBER_ID') && broker.groupAdmin.find(group) === undefined
    if (!isGroupUnknown) return codeOf(error, coordinatorErrors)
    return version >= unknownGroupVersion ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION
  }
}
