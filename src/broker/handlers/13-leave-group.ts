/**
 * LeaveGroup (13), versions 0-5: removes a member, from version 3 on several. A static one may be named by
 * its instance id alone: so tools remove it (KIP-345). The reason of version 5 has no effect.
 */
import { messages, type Request } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.leaveGroup
type Member = Pick<Request<Message>['members'][number], 'memberId' | 'groupInstanceId'>

const severalVersion = 3

export const leaveGroup: Handler = handler(messages.leaveGroup, (request, context) => {
  const { groupId, memberId, members } = request
  if (groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] }
  if (context.version < severalVersion)
    return { errorCode: leave(groupId, { memberId, groupInstanceId: null }, context) }
  return {
    errorCode: errorCodes.NONE,
    members: members.map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: leave(groupId, member, context),
    })),
  }
})

function leave(group: string, { memberId, groupInstanceId }: Member, { broker }: RequestContext): number {
  try {
    broker.groups.leave({ group, memberId, instanceId: groupInstanceId ?? undefined })
    return errorCodes.NONE
  } catch (error) {
    return codeOf(error)
  }
}
