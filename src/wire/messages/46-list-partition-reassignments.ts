/**
 * ListPartitionReassignments (46): the moves of replicas that are in flight.
 */
import type { Definition } from '../definition.ts'

export const listPartitionReassignments = {
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: [
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    {
      name: 'topics',
      nullable: '0+',
      default: null,
      array: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', array: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'replicas', array: 'int32' },
            { name: 'addingReplicas', array: 'int32' },
            { name: 'removingReplicas', array: 'int32' },
          ],
        },
      ],
    },
  ],
} as const
listPartitionReassignments satisfies Definition
