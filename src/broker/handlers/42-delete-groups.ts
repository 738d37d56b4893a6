/**
 * DeleteGroups (42), versions 0-2: deletes groups without members, with their offsets. A name that comes
 * twice is deleted once.
 *
 * Deviation: the group of an app is refused with POLICY_VIOLATION, since its state belongs to its offsets:
 * `log.deleteApp` deletes both.
 */
import { messages } from '../../wire/index.ts'
import { codeOf, errorCodes, type Exceptions } from './error-codes.ts'
import { coordinatorErrors } from './group-requests.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

export const deleteGroups: Handler = handler(messages.deleteGroups, async ({ groupsNames }, context) => ({
  throttleTimeMs: 0,
  results: await inTurns(new Set(groupsNames), context, async groupId => ({
    groupId,
    errorCode: await deletion(groupId, context),
  })),
}))

async function deletion(group: string, { broker }: RequestContext): Promise<number> {
  try {
    await broker.groupAdmin.delete(group)
    return errorCodes.NONE
  } catch (error) {
    return codeOf(error, exceptions)
  }
}

/** Of an app. */
const exceptions: Exceptions = { ...coordinatorErrors, INVALID_ARGUMENT: 'POLICY_VIOLATION' }
