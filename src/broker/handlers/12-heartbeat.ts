/**
 * Heartbeat (12), versions 0-4: prolongs the session of a member, and tells it when it has to join again
 * (REBALANCE_IN_PROGRESS).
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

export const heartbeat: Handler = handler(messages.heartbeat, (request, { broker }) => {
  const { groupId: group, generationId: generation, memberId, groupInstanceId } = request
  if (group === '') return { errorCode: errorCodes.INVALID_GROUP_ID }
  try {
    broker.groups.heartbeat({ group, memberId, instanceId: groupInstanceId ?? undefined, generation })
    return { errorCode: errorCodes.NONE }
  } catch (error) {
    return { errorCode: codeOf(error) }
  }
})
