/**
 * SyncGroup (14), versions 0-5: the leader hands over the assignment; each member gets its own, once that is
 * durable. From version 5 on a member says which protocol it takes the group to have.
 */
import { messages, type Request } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { coordinatorErrors, unlessGone } from './group-requests.ts'
import { handler, type Handler } from './handler.ts'

type Message = typeof messages.syncGroup

const protocolVersion = 5

export const syncGroup: Handler = handler(messages.syncGroup, async (request, context) => {
  if (request.groupId === '') return refused(errorCodes.INVALID_GROUP_ID)
  const { protocolType, protocolName } = request
  const isComplete = protocolType !== null && protocolName !== null
  if (context.version >= protocolVersion && !isComplete)
    return refused(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  try {
    const synced = await unlessGone(context.broker.groups.sync(syncOf(request)), context.over)
    const { assignment } = synced
    const protocol = { protocolType: synced.protocolType, protocolName: synced.protocol }
    return { errorCode: errorCodes.NONE, ...protocol, assignment }
  } catch (error) {
    return refused(codeOf(error, coordinatorErrors))
  }
})

function syncOf(request: Request<Message>) {
  const { groupId, memberId, generationId, groupInstanceId, protocolType, protocolName } = request
  return {
    group: groupId,
    memberId,
    instanceId: groupInstanceId ?? undefined,
    generation: generationId,
    ...(protocolType === null ? {} : { protocolType }),
    ...(protocolName === null ? {} : { protocol: protocolName }),
    // The group keeps them: views would keep all of the frame.
    assignments: request.assignments.map(({ memberId: id, assignment }) => ({
      memberId: id,
      assignment: Buffer.from(assignment),
    })),
  }
}

function refused(errorCode: number) {
  return { errorCode, assignment: noBytes }
}

const noBytes = Buffer.alloc(0)
