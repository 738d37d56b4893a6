/**
 * JoinGroup (11): a member enters the next generation of its group. From version 4 a new member is refused
 * once, with the id that it has to join with (KIP-394).
 */
import type { Definition } from '../definition.ts'

export const joinGroup = {
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: [
    { name: 'groupId', type: 'string' },
    { name: 'sessionTimeoutMs', type: 'int32' },
    { name: 'rebalanceTimeoutMs', type: 'int32', versions: '1+', default: -1, ignorable: true },
    { name: 'memberId', type: 'string' },
    { name: 'groupInstanceId', type: 'string', versions: '5+', nullable: '0+', default: null },
    { name: 'protocolType', type: 'string' },
    {
      name: 'protocols',
      array: [
        { name: 'name', type: 'string' },
        { name: 'metadata', type: 'bytes' },
      ],
    },
    { name: 'reason', type: 'string', versions: '8+', nullable: '0+', default: null, ignorable: true },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '2+' },
    { name: 'errorCode', type: 'int16' },
    { name: 'generationId', type: 'int32', default: -1 },
    { name: 'protocolType', type: 'string', versions: '7+', nullable: '0+', default: null },
    { name: 'protocolName', type: 'string', nullable: '7+' },
    { name: 'leader', type: 'string' },
    { name: 'skipAssignment', type: 'bool', versions: '9+', default: false },
    { name: 'memberId', type: 'string' },
    {
      name: 'members',
      array: [
        { name: 'memberId', type: 'string' },
        { name: 'groupInstanceId', type: 'string', versions: '5+', nullable: '0+', default: null },
        { name: 'metadata', type: 'bytes' },
      ],
    },
  ],
} as const
joinGroup satisfies Definition
