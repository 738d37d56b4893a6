/**
 * ListGroups (16), versions 0-5: all groups; from version 4 on those in some states, from version 5 on those
 * of some types. All groups here are of the type `classic`. Filters ignore case, and an empty one takes all.
 */
import { messages } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

const type = 'classic'

export const listGroups: Handler = handler(messages.listGroups, (request, { broker }) => {
  const states = new Set(request.statesFilter.map(state => state.trim().toLowerCase()))
  const types = new Set(request.typesFilter.map(each => each.toLowerCase()))
  const isOfType = types.size === 0 || types.has(type)
  const groups = isOfType ? broker.groupAdmin.list() : []
  return {
    errorCode: errorCodes.NONE,
    groups: groups
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .map(({ group, protocolType, state }) => ({
        groupId: group,
        protocolType,
        groupState: state,
        groupType: type,
      })),
  }
})
