/**
 * DescribeTopicPartitions (75): topics and partitions in portions. A response that is cut short has a cursor,
 * with which the next request continues.
 */
import type { Definition } from '../definition.ts'

export const describeTopicPartitions = {
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: [
    { name: 'topics', array: [{ name: 'name', type: 'string' }] },
    { name: 'responsePartitionLimit', type: 'int32', default: 2000 },
    {
      name: 'cursor',
      nullable: '0+',
      default: null,
      struct: [
        { name: 'topicName', type: 'string' },
        { name: 'partitionIndex', type: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      array: [
        { name: 'errorCode', type: 'int16' },
        { name: 'name', type: 'string', nullable: '0+' },
        { name: 'topicId', type: 'uuid' },
        { name: 'isInternal', type: 'bool', default: false },
        {
          name: 'partitions',
          array: [
            { name: 'errorCode', type: 'int16' },
            { name: 'partitionIndex', type: 'int32' },
            { name: 'leaderId', type: 'int32' },
            { name: 'leaderEpoch', type: 'int32', default: -1 },
            { name: 'replicaNodes', array: 'int32' },
            { name: 'isrNodes', array: 'int32' },
            { name: 'eligibleLeaderReplicas', array: 'int32', nullable: '0+', default: null },
            { name: 'lastKnownElr', array: 'int32', nullable: '0+', default: null },
            { name: 'offlineReplicas', array: 'int32' },
          ],
        },
        { name: 'topicAuthorizedOperations', type: 'int32', default: -2147483648 },
      ],
    },
    {
      name: 'nextCursor',
      nullable: '0+',
      default: null,
      struct: [
        { name: 'topicName', type: 'string' },
        { name: 'partitionIndex', type: 'int32' },
      ],
    },
  ],
} as const
describeTopicPartitions satisfies Definition
