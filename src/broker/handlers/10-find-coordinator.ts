/**
 * FindCoordinator (10), versions 0-6: which broker coordinates a group, or a transactional id: this one. From
 * version 4 on several keys in one request.
 *
 * Share groups, and kinds of keys that do not exist, are refused with INVALID_REQUEST.
 */
import { messages } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

const keyTypes = { group: 0, transaction: 1 }
const severalVersion = 4
const nowhere = { nodeId: -1, host: '', port: -1 }

export const findCoordinator: Handler = handler(messages.findCoordinator, (request, context) => {
  const { keyType, coordinatorKeys } = request
  const { endpoint, nodeId, version } = context
  const isKnown = Object.values(keyTypes).includes(keyType)
  const isOne = version < severalVersion
  const answer = isKnown
    ? { errorCode: errorCodes.NONE, errorMessage: isOne ? 'NONE' : '', nodeId, ...endpoint }
    : {
        errorCode: errorCodes.INVALID_REQUEST,
        errorMessage: `Key type ${keyType} is not offered.`,
        ...nowhere,
      }
  return isOne ? answer : { coordinators: coordinatorKeys.map(key => ({ key, ...answer })) }
})
