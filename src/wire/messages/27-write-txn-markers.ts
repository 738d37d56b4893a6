/**
 * WriteTxnMarkers (27): a coordinator has the markers of ended transactions written. Tools use it to abort
 * hanging transactions.
 */
import type { Definition } from '../definition.ts'

export const writeTxnMarkers = {
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '1-2',
  flexible: '1+',
  request: [
    {
      name: 'markers',
      array: [
        { name: 'producerId', type: 'int64' },
        { name: 'producerEpoch', type: 'int16' },
        { name: 'transactionResult', type: 'bool' },
        {
          name: 'topics',
          array: [
            { name: 'name', type: 'string' },
            { name: 'partitionIndexes', array: 'int32' },
          ],
        },
        { name: 'coordinatorEpoch', type: 'int32' },
        { name: 'transactionVersion', type: 'int8', versions: '2+', default: 0, ignorable: true },
      ],
    },
  ],
  response: [
    {
      name: 'markers',
      array: [
        { name: 'producerId', type: 'int64' },
        {
          name: 'topics',
          array: [
            { name: 'name', type: 'string' },
            {
              name: 'partitions',
              array: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'errorCode', type: 'int16' },
              ],
            },
          ],
        },
      ],
    },
  ],
} as const
writeTxnMarkers satisfies Definition
