/**
 * JoinGroup (11), versions 0-9: a member joins, and the answer waits until all others have joined as well.
 *
 * - From version 4 on a new member that is not static is refused with the id that it has to join with
 *   (KIP-394), from version 5 on it may be static (KIP-345).
 * - Version 0 has no rebalance time-out: the session's is taken.
 * - A static leader that comes back is told to assign nothing (version 9). Older ones, which would, are told
 *   that another one leads.
 * - The reason of version 8 has no effect.
 *
 * Deviation: a static member that comes back with other topics starts a rebalance: groups/returns.ts.
 */
import type { JoinedGroup } from '../../port/index.ts'
import { requiredMemberId } from '../../port/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { codeOf, errorCodes } from './error-codes.ts'
import { clientHostOf, coordinatorErrors, unlessGone } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

type Message = typeof messages.joinGroup
type Answer = ResponseInput<Message>

const rebalanceTimeoutVersion = 1
const memberIdVersion = 4
const nullableVersion = 7
const skipVersion = 9

export const joinGroup: Handler = handler(messages.joinGroup, async (request, context) => {
  const { memberId, groupId } = request
  if (groupId === '') return refused(memberId, errorCodes.INVALID_GROUP_ID, context)
  try {
    const joined = await unlessGone(context.broker.groups.join(joinOf(request, context)), context.over)
    return accepted(joined, context)
  } catch (error) {
    const code = codeOf(error, coordinatorErrors)
    const idInAnswer = code === errorCodes.GROUP_MAX_SIZE_REACHED ? '' : memberId
    return refused(requiredMemberId(error) ?? idInAnswer, code, context)
  }
})

function joinOf(request: Request<Message>, context: RequestContext) {
  const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId } = request
  const { version, clientId } = context
  const asked = version < rebalanceTimeoutVersion ? sessionTimeoutMs : rebalanceTimeoutMs
  return {
    group: groupId,
    memberId,
    instanceId: groupInstanceId ?? undefined,
    clientId,
    clientHost: clientHostOf(context),
    protocolType: request.protocolType,
    // The group keeps them: views would keep all of the frame.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    sessionTimeoutMs,
    // One that is over at once is taken, as in Kafka.
    rebalanceTimeoutMs: Math.max(1, asked),
    requireMemberId: version >= memberIdVersion,
  }
}

function accepted(joined: JoinedGroup, { version }: RequestContext): Answer {
  const { generation, protocolType, protocol, leader, memberId, skipAssignment } = joined
  const follows = skipAssignment && version < skipVersion
  const members = follows ? [] : joined.members
  return {
    errorCode: errorCodes.NONE,
    generationId: generation,
    protocolType,
    protocolName: protocol,
    leader: follows ? anotherLeader : leader,
    skipAssignment,
    memberId,
    members: members.map(({ memberId: id, instanceId, metadata }) => ({
      memberId: id,
      groupInstanceId: instanceId ?? null,
      metadata,
    })),
  }
}

const anotherLeader = ''

function refused(memberId: string, errorCode: number, { version }: RequestContext): Answer {
  const protocolName = version >= nullableVersion ? null : ''
  return { errorCode, protocolName, leader: '', memberId, members: [] }
}
