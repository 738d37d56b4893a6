/**
 * The records of `__transaction_state`. Tags from 100 on are millrace's own: Kafka's readers skip what they
 * do not know, and Kafka's own tags are far below.
 */
import type { Structure } from '../definition.ts'

/** The version of a key is the kind of its record. */
export const transactionLogKey = {
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: [{ name: 'transactionalId', type: 'string' }],
} as const
transactionLogKey satisfies Structure

/** `partitionEnds` has an int64 for each of the topic's partitions, in their order. */
export const transactionLogValue = {
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: [
    { name: 'producerId', type: 'int64' },
    { name: 'previousProducerId', type: 'int64', versions: '1+', default: -1, tag: 0 },
    { name: 'nextProducerId', type: 'int64', versions: '1+', default: -1, tag: 1 },
    { name: 'producerEpoch', type: 'int16' },
    { name: 'nextProducerEpoch', type: 'int16', versions: '1+', default: -1, tag: 3 },
    { name: 'transactionTimeoutMs', type: 'int32' },
    { name: 'transactionStatus', type: 'int8' },
    {
      name: 'transactionPartitions',
      nullable: '0+',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitionIds', array: 'int32' },
        { name: 'partitionEnds', type: 'tagBytes', versions: '1+', tag: 100 },
      ],
    },
    { name: 'transactionLastUpdateTimestampMs', type: 'int64' },
    { name: 'transactionStartTimestampMs', type: 'int64' },
    { name: 'clientTransactionVersion', type: 'int16', versions: '1+', default: 0, tag: 2 },
    { name: 'lastEpoch', type: 'int16', versions: '1+', default: -1, tag: 100 },
    { name: 'flags', type: 'int8', versions: '1+', default: 0, tag: 101 },
  ],
} as const
transactionLogValue satisfies Structure
