/**
 * Produce (0): a producer writes record batches. Batches travel unread, as `records`.
 *
 * Apache Kafka claims versions 0 to 2 as well, for the sake of librdkafka, and refuses their use: they would
 * carry the formats before record batch v2. From version 13 topics are named by id.
 */
import type { Definition } from '../definition.ts'

export const produce = {
  key: 0,
  name: 'Produce',
  versions: '3-13',
  flexible: '9+',
  request: [
    { name: 'transactionalId', type: 'string', nullable: '0+', default: null },
    { name: 'acks', type: 'int16' },
    { name: 'timeoutMs', type: 'int32' },
    {
      name: 'topicData',
      array: [
        { name: 'name', type: 'string', versions: '3-12', ignorable: true },
        { name: 'topicId', type: 'uuid', versions: '13+', ignorable: true },
        {
          name: 'partitionData',
          array: [
            { name: 'index', type: 'int32' },
            { name: 'records', type: 'records', nullable: '0+' },
          ],
        },
      ],
    },
  ],
  response: [
    {
      name: 'responses',
      array: [
        { name: 'name', type: 'string', versions: '3-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitionResponses',
          array: [
            { name: 'index', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'baseOffset', type: 'int64' },
            { name: 'logAppendTimeMs', type: 'int64', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1 },
            {
              name: 'recordErrors',
              versions: '8+',
              array: [
                { name: 'batchIndex', type: 'int32' },
                { name: 'batchIndexErrorMessage', type: 'string', nullable: '0+', default: null },
              ],
            },
            { name: 'errorMessage', type: 'string', versions: '8+', nullable: '0+', default: null },
            {
              name: 'currentLeader',
              versions: '10+',
              tag: 0,
              struct: [
                { name: 'leaderId', type: 'int32', default: -1 },
                { name: 'leaderEpoch', type: 'int32', default: -1 },
              ],
            },
          ],
        },
      ],
    },
    { name: 'throttleTimeMs', type: 'int32', default: 0 },
    {
      name: 'nodeEndpoints',
      versions: '10+',
      tag: 0,
      array: [
        { name: 'nodeId', type: 'int32' },
        { name: 'host', type: 'string' },
        { name: 'port', type: 'int32' },
        { name: 'rack', type: 'string', nullable: '0+', default: null },
      ],
    },
  ],
} as const
produce satisfies Definition
