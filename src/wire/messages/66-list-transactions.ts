/**
 * ListTransactions (66): the transactional ids of a coordinator, filtered by state, producer id, duration
 * (version 1) or pattern (version 2).
 */
import type { Definition } from '../definition.ts'

export const listTransactions = {
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: [
    { name: 'stateFilters', array: 'string' },
    { name: 'producerIdFilters', array: 'int64' },
    { name: 'durationFilter', type: 'int64', versions: '1+', default: -1 },
    { name: 'transactionalIdPattern', type: 'string', versions: '2+', nullable: '0+', default: null },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    { name: 'unknownStateFilters', array: 'string' },
    {
      name: 'transactionStates',
      array: [
        { name: 'transactionalId', type: 'string' },
        { name: 'producerId', type: 'int64' },
        { name: 'transactionState', type: 'string' },
      ],
    },
  ],
} as const
listTransactions satisfies Definition
