/**
 * AlterPartitionReassignments (45): moves replicas of partitions to other brokers; null replicas cancel a
 * move.
 */
import type { Definition } from '../definition.ts'

export const alterPartitionReassignments = {
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: [
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    { name: 'allowReplicationFactorChange', type: 'bool', versions: '1+', default: true },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'replicas', array: 'int32', nullable: '0+', default: null },
          ],
        },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'allowReplicationFactorChange', type: 'bool', versions: '1+', default: true },
    { name: 'errorCode', type: 'int16' },
    { name: 'errorMessage', type: 'string', nullable: '0+' },
    {
      name: 'responses',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} as const
alterPartitionReassignments satisfies Definition
