/**
 * CreateTopics (19): creates topics, by counts or by explicit assignments of replicas. From version 5 the
 * response has the configs of each topic.
 */
import type { Definition } from '../definition.ts'

export const createTopics = {
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexible: '5+',
  request: [
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        { name: 'numPartitions', type: 'int32' },
        { name: 'replicationFactor', type: 'int16' },
        {
          name: 'assignments',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'brokerIds', array: 'int32' },
          ],
        },
        {
          name: 'configs',
          array: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '0+' },
          ],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32', default: 60000 },
    { name: 'validateOnly', type: 'bool', default: false },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        { name: 'topicId', type: 'uuid', versions: '7+' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        { name: 'topicConfigErrorCode', type: 'int16', versions: '5+', tag: 0 },
        { name: 'numPartitions', type: 'int32', versions: '5+', default: -1 },
        { name: 'replicationFactor', type: 'int16', versions: '5+', default: -1 },
        {
          name: 'configs',
          versions: '5+',
          nullable: '0+',
          array: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '0+' },
            { name: 'readOnly', type: 'bool' },
            { name: 'configSource', type: 'int8', default: -1 },
            { name: 'isSensitive', type: 'bool' },
          ],
        },
      ],
    },
  ],
} as const
createTopics satisfies Definition
