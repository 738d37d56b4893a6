/**
 * DescribeGroups (15): state, protocol and members of groups, with the bytes of their metadata and
 * assignments.
 */
import type { Definition } from '../definition.ts'

export const describeGroups = {
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: [
    { name: 'groups', array: 'string' },
    { name: 'includeAuthorizedOperations', type: 'bool', versions: '3+' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    {
      name: 'groups',
      array: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', versions: '6+', nullable: '0+', default: null },
        { name: 'groupId', type: 'string' },
        { name: 'groupState', type: 'string' },
        { name: 'protocolType', type: 'string' },
        { name: 'protocolData', type: 'string' },
        {
          name: 'members',
          array: [
            { name: 'memberId', type: 'string' },
            { name: 'groupInstanceId', type: 'string', versions: '4+', nullable: '0+', default: null },
            { name: 'clientId', type: 'string' },
            { name: 'clientHost', type: 'string' },
            { name: 'memberMetadata', type: 'bytes' },
            { name: 'memberAssignment', type: 'bytes' },
          ],
        },
        { name: 'authorizedOperations', type: 'int32', versions: '3+', default: -2147483648 },
      ],
    },
  ],
} as const
describeGroups satisfies Definition
