/**
 * DescribeGroups (15), versions 0-6: state, protocol and members of groups, with what these were assigned
 * last. The protocol, and what members said under it, is told while the group is stable.
 *
 * - An unknown group is `Dead`; from version 6 on its code is GROUP_ID_NOT_FOUND as well.
 * - A group that is named twice is answered once. Apache Kafka answers it twice: an answer may be a million
 *   times as large as the name.
 * - There are no ACLs: every operation on a group is authorized, if the client asks for that.
 */
import { messages, type ResponseInput } from '../../wire/index.ts'
import { groupOperations } from './authorized-operations.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Group = ResponseInput<typeof messages.describeGroups>['groups'][number]

const unknownVersion = 6

export const describeGroups: Handler = handler(messages.describeGroups, async (request, context) => ({
  groups: await inTurns(new Set(request.groups), context, group =>
    described(group, request.includeAuthorizedOperations, context),
  ),
}))

function described(groupId: string, withOperations: boolean, { broker, version }: RequestContext): Group {
  const operations = withOperations ? { authorizedOperations: groupOperations } : {}
  const group = broker.groupAdmin.find(groupId)
  if (!group)
    return {
      ...(version < unknownVersion
        ? { errorCode: errorCodes.NONE, ...operations }
        : { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }),
      groupId,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    }
  const { state, protocolType, protocol, members } = group
  const isStable = state === 'Stable'
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: state,
    protocolType,
    protocolData: isStable ? (protocol ?? '') : '',
    members: members.map(({ memberId, instanceId, clientId, clientHost, subscription, assignment }) => ({
      memberId,
      groupInstanceId: instanceId ?? null,
      clientId,
      clientHost,
      memberMetadata: isStable ? subscription : noBytes,
      memberAssignment: assignment,
    })),
    ...operations,
  }
}

const noBytes = Buffer.alloc(0)
