/**
 * ElectLeaders (43): has leaders elected among the replicas of partitions; null partitions mean all of them.
 */
import type { Definition } from '../definition.ts'

export const electLeaders = {
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: [
    { name: 'electionType', type: 'int8', versions: '1+' },
    {
      name: 'topicPartitions',
      nullable: '0+',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
    { name: 'timeoutMs', type: 'int32', default: 60000 },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '1+' },
    {
      name: 'replicaElectionResults',
      array: [
        { name: 'topic', type: 'string' },
        {
          name: 'partitionResult',
          array: [
            { name: 'partitionId', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'errorMessage', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} as const
electLeaders satisfies Definition
