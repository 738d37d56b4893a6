/**
 * AddPartitionsToTxn (24): partitions that a transaction will write to. Clients use versions up to 3, with
 * one transaction; from version 4 brokers ask for several, also to verify only (KIP-890).
 */
import type { Definition } from '../definition.ts'

export const addPartitionsToTxn = {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: [
    {
      name: 'transactions',
      versions: '4+',
      array: [
        { name: 'transactionalId', type: 'string' },
        { name: 'producerId', type: 'int64' },
        { name: 'producerEpoch', type: 'int16' },
        { name: 'verifyOnly', type: 'bool', default: false },
        {
          name: 'topics',
          array: [
            { name: 'name', type: 'string' },
            { name: 'partitions', array: 'int32' },
          ],
        },
      ],
    },
    { name: 'v3AndBelowTransactionalId', type: 'string', versions: '0-3' },
    { name: 'v3AndBelowProducerId', type: 'int64', versions: '0-3' },
    { name: 'v3AndBelowProducerEpoch', type: 'int16', versions: '0-3' },
    {
      name: 'v3AndBelowTopics',
      versions: '0-3',
      array: [
        { name: 'name', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '4+' },
    {
      name: 'resultsByTransaction',
      versions: '4+',
      array: [
        { name: 'transactionalId', type: 'string' },
        {
          name: 'topicResults',
          array: [
            { name: 'name', type: 'string' },
            {
              name: 'resultsByPartition',
              array: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'partitionErrorCode', type: 'int16' },
              ],
            },
          ],
        },
      ],
    },
    {
      name: 'resultsByTopicV3AndBelow',
      versions: '0-3',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'resultsByPartition',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'partitionErrorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} as const
addPartitionsToTxn satisfies Definition
