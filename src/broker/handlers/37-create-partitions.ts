/**
 * CreatePartitions (37), versions 0-3: raises the partition count of topics. Assignments of the new
 * partitions may only name this broker.
 *
 * Deviations: the answer comes when the partitions are there, whatever `timeoutMs` says. The topics of the
 * log and of apps keep their counts: TOPIC_AUTHORIZATION_FAILED.
 */
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { codeOf, errorCodes, messageOf } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'
import { wrongReplicas } from './replicas.ts'

type Message = typeof messages.createPartitions
type Asked = Request<Message>['topics'][number]
type Answer = ResponseInput<Message>['results'][number]

export const createPartitions: Handler = handler(
  messages.createPartitions,
  async ({ topics, validateOnly }, context) => ({
    throttleTimeMs: 0,
    results: await inTurns(
      Map.groupBy(topics, ({ name }) => name),
      context,
      async ([name, [topic, ...others]]) =>
        others.length === 0
          ? grown(topic!, validateOnly, context)
          : refused(name, errorCodes.INVALID_REQUEST, 'The topic is named twice.'),
    ),
  }),
)

async function grown(topic: Asked, validateOnly: boolean, context: RequestContext): Promise<Answer> {
  const { broker } = context
  const { name, count } = topic
  const { internal, partitions = 0 } = broker.describeTopic(name) ?? {}
  try {
    await broker.admin.createPartitions(name, count, { validateOnly: true })
    const wrong = wrongAssignments(topic, partitions, context)
    if (wrong !== undefined) return refused(name, errorCodes.INVALID_REPLICA_ASSIGNMENT, wrong)
    if (!validateOnly) await broker.admin.createPartitions(name, count)
    return { name, errorCode: errorCodes.NONE }
  } catch (error) {
    const INVALID_ARGUMENT = internal ? 'TOPIC_AUTHORIZATION_FAILED' : 'INVALID_PARTITIONS'
    return refused(name, codeOf(error, { INVALID_ARGUMENT }), messageOf(error))
  }
}

function wrongAssignments(
  { count, assignments }: Asked,
  partitions: number,
  { nodeId }: RequestContext,
): string | undefined {
  if (assignments === null) return undefined
  if (assignments.length !== count - partitions)
    return `${count - partitions} partitions are added, and there are ${assignments.length} assignments.`
  for (const { brokerIds } of assignments) {
    const wrong = wrongReplicas(brokerIds, nodeId)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function refused(name: string, errorCode: number, errorMessage: string | null): Answer {
  return { name, errorCode, errorMessage }
}
