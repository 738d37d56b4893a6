/**
 * CreatePartitions (37): raises the partition count of topics.
 */
import type { Definition } from '../definition.ts'

export const createPartitions = {
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        { name: 'count', type: 'int32' },
        { name: 'assignments', nullable: '0+', array: [{ name: 'brokerIds', array: 'int32' }] },
      ],
    },
    { name: 'timeoutMs', type: 'int32' },
    { name: 'validateOnly', type: 'bool' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      array: [
        { name: 'name', type: 'string' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+', default: null },
      ],
    },
  ],
} as const
createPartitions satisfies Definition
