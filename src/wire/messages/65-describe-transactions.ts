/**
 * DescribeTransactions (65): the state of transactional ids, and the partitions of their open transactions.
 */
import type { Definition } from '../definition.ts'

export const describeTransactions = {
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  request: [{ name: 'transactionalIds', array: 'string' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'transactionStates',
      array: [
        { name: 'errorCode', type: 'int16' },
        { name: 'transactionalId', type: 'string' },
        { name: 'transactionState', type: 'string' },
        { name: 'transactionTimeoutMs', type: 'int32' },
        { name: 'transactionStartTimeMs', type: 'int64' },
        { name: 'producerId', type: 'int64' },
        { name: 'producerEpoch', type: 'int16' },
        {
          name: 'topics',
          array: [
            { name: 'topic', type: 'string' },
            { name: 'partitions', array: 'int32' },
          ],
        },
      ],
    },
  ],
} as const
describeTransactions satisfies Definition
