/**
 * DeleteGroups (42): deletes groups without members, and their committed offsets.
 */
import type { Definition } from '../definition.ts'

export const deleteGroups = {
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: [{ name: 'groupsNames', array: 'string' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      array: [
        { name: 'groupId', type: 'string' },
        { name: 'errorCode', type: 'int16' },
      ],
    },
  ],
} as const
deleteGroups satisfies Definition
