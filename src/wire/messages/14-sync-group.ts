/**
 * SyncGroup (14): the leader hands in the assignments of a generation, and every member gets its own.
 */
import type { Definition } from '../definition.ts'

export const syncGroup = {
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'generationId', type: 'int32' },
    { name: 'memberId', type: 'string' },
    { name: 'groupInstanceId', type: 'string', versions: '3+', nullable: '0+', default: null },
    { name: 'protocolType', type: 'string', versions: '5+', nullable: '0+', default: null, ignorable: true },
    { name: 'protocolName', type: 'string', versions: '5+', nullable: '0+', default: null, ignorable: true },
    {
      name: 'assignments',
      array: [
        { name: 'memberId', type: 'string' },
        { name: 'assignment', type: 'bytes' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    { name: 'errorCode', type: 'int16' },
    { name: 'protocolType', type: 'string', versions: '5+', nullable: '0+', default: null },
    { name: 'protocolName', type: 'string', versions: '5+', nullable: '0+', default: null },
    { name: 'assignment', type: 'bytes' },
  ],
} as const
syncGroup satisfies Definition
