/**
 * ListGroups (16), versions 0-5: all groups; from version 4 on those in some states, from version 5 on those
 * of some types. All groups here are of the type `classic`. Filters ignore case, and an empty one takes all.
 */
import { messages } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

const type = 'classic'

export const listGroups: Handler = handler(messages.listGroups, (request, { broker }) => {
  const states = request.statesFilter.map(state => state.trim().toLowerCase())
  const types = request.typesFilter.map(each => each.toLowerCase())
  const isOfType = types.length === 0 || types.includes(type)
  const groups = isOfType ? broker.groupAdmin.list() : []
  return {
    errorCode: errorCodes.NONE,
    groups: groups
      .filter(({ state }) => states.length === 0 || states.includes(state.toLowerCase()))
      .map(({ group, protocolType, state }) => ({
        groupId: group,
        protocolType,
        groupState: state,
        groupType: type,
      })),
  }
})
