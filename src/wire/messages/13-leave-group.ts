/**
 * LeaveGroup (13): members leave their group; from version 3 several at once, also by their instance ids.
 */
import type { Definition } from '../definition.ts'

export const leaveGroup = {
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'memberId', type: 'string', versions: '0-2' },
    {
      name: 'members',
      versions: '3+',
      array: [
        { name: 'memberId', type: 'string' },
        { name: 'groupInstanceId', type: 'string', nullable: '0+', default: null },
        { name: 'reason', type: 'string', versions: '5+', nullable: '0+', default: null, ignorable: true },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    { name: 'errorCode', type: 'int16' },
    {
      name: 'members',
      versions: '3+',
      array: [
        { name: 'memberId', type: 'string' },
        { name: 'groupInstanceId', type: 'string', nullable: '0+' },
        { name: 'errorCode', type: 'int16' },
      ],
    },
  ],
} as const
leaveGroup satisfies Definition
