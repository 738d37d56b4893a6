/**
 * InitProducerId (22): gives out a producer id, or raises the epoch of a transactional id, which fences its
 * former producer. From version 3 a producer may ask for its own next epoch (KIP-360).
 *
 * Version 6 (two-phase commit) is unstable in Apache Kafka 4.3, so it is absent here.
 */
import type { Definition } from '../definition.ts'

export const initProducerId = {
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexible: '2+',
  request: [
    { name: 'transactionalId', type: 'string', nullable: '0+' },
    { name: 'transactionTimeoutMs', type: 'int32' },
    { name: 'producerId', type: 'int64', versions: '3+', default: -1 },
    { name: 'producerEpoch', type: 'int16', versions: '3+', default: -1 },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'producerId', type: 'int64', default: -1 },
    { name: 'producerEpoch', type: 'int16' },
  ],
} as const
initProducerId satisfies Definition
