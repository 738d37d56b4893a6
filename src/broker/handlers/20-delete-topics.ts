/**
 * DeleteTopics (20), versions 1-6: deletes topics with everything in them, and the committed offsets for
 * them. From version 6 on a topic is named by its name or by its id.
 *
 * Deviations: the answer comes when the topics are gone, whatever `timeoutMs` says. The topics of the log and
 * of apps are refused, which Apache Kafka deletes: TOPIC_AUTHORIZATION_FAILED.
 */
import { messages, zeroUuid, type Request, type ResponseInput } from '../../wire/index.ts'
import { codeOf, errorCodes, messageOf, type KafkaError } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'
import { missingTopicId } from './topic-ids.ts'

type Message = typeof messages.deleteTopics
type Asked = Pick<Request<Message>['topics'][number], 'name' | 'topicId'>
type Answer = ResponseInput<Message>['responses'][number]

/** The first version whose clients know TOPIC_DELETION_DISABLED. */
const deletionDisabledVersion = 3

export const deleteTopics: Handler = handler(messages.deleteTopics, async (request, context) => {
  const named = request.topicNames.map(name => ({ name, topicId: zeroUuid }))
  const refusals: Answer[] = []
  const byName = new Map<string, Asked[]>()
  for (const asked of [...request.topics, ...named]) {
    const found = nameOf(asked, context)
    if (typeof found !== 'string') {
      refusals.push(found)
      continue
    }
    const sameName = byName.get(found)
    if (sameName) sameName.push(asked)
    else byName.set(found, [asked])
  }
  const deletions = await inTurns(byName, context, async ([name, [asked, ...others]]) =>
    others.length === 0
      ? deleted(name, asked!, context)
      : refused(asked!, 'INVALID_REQUEST', 'The topic is named more than once.'),
  )
  return { throttleTimeMs: 0, responses: [...refusals, ...deletions] }
})

/** The name of the topic that is asked for, or why it is not deleted. */
function nameOf(asked: Asked, { broker, version }: RequestContext): string | Answer {
  const { name, topicId } = asked
  if (!broker.deletesTopics)
    return refused(
      asked,
      version < deletionDisabledVersion ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED',
      "Topics cannot be deleted: the broker's config delete.topic.enable is false.",
    )
  if ((name === null) === (topicId === zeroUuid))
    return refused(asked, 'INVALID_REQUEST', 'Name the topic by its name or by its id, and not by both.')
  const found = name ?? broker.topicName(topicId)
  return found ?? refused(asked, 'UNKNOWN_TOPIC_ID', missingTopicId(topicId).message)
}

async function deleted(name: string, asked: Asked, { broker }: RequestContext): Promise<Answer> {
  const topicId = broker.describeTopic(name)?.id ?? asked.topicId
  try {
    await broker.deleteTopic(name)
    return { name, topicId, errorCode: errorCodes.NONE }
  } catch (error) {
    const errorCode = codeOf(error, { INVALID_ARGUMENT: 'TOPIC_AUTHORIZATION_FAILED' })
    return { ...asked, errorCode, errorMessage: messageOf(error) }
  }
}

function refused({ name, topicId }: Asked, error: KafkaError, errorMessage: string): Answer {
  return { name, topicId, errorCode: errorCodes[error], errorMessage }
}
