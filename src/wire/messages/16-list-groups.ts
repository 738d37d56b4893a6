/**
 * ListGroups (16): the groups of a broker, filtered by state (version 4) and by type (version 5).
 */
import type { Definition } from '../definition.ts'

export const listGroups = {
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: [
    { name: 'statesFilter', array: 'string', versions: '4+' },
    { name: 'typesFilter', array: 'string', versions: '5+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    { name: 'errorCode', type: 'int16' },
    {
      name: 'groups',
      array: [
        { name: 'groupId', type: 'string' },
        { name: 'protocolType', type: 'string' },
        { name: 'groupState', type: 'string', versions: '4+' },
        { name: 'groupType', type: 'string', versions: '5+' },
      ],
    },
  ],
} as const
listGroups satisfies Definition
