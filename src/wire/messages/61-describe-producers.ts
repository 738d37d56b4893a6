/**
 * DescribeProducers (61): the producers that a partition knows, with their last sequence and the start of an
 * open transaction.
 */
import type { Definition } from '../definition.ts'

export const describeProducers = {
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  request: [
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', array: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+', default: null },
            {
              name: 'activeProducers',
              array: [
                { name: 'producerId', type: 'int64' },
                { name: 'producerEpoch', type: 'int32' },
                { name: 'lastSequence', type: 'int32', default: -1 },
                { name: 'lastTimestamp', type: 'int64', default: -1 },
                { name: 'coordinatorEpoch', type: 'int32' },
                { name: 'currentTxnStartOffset', type: 'int64', default: -1 },
              ],
            },
          ],
        },
      ],
    },
  ],
} as const
describeProducers satisfies Definition
