/**
 * Fetch (1): a consumer reads record batches from an offset on. It may name its partitions once, and then
 * only what changes: a fetch session (KIP-227).
 *
 * Topics are named by id from version 13. The default of `highWatermark` is Long.MAX_VALUE in Kafka, which a
 * number cannot hold; only followers send that field.
 */
import type { Definition } from '../definition.ts'

export const fetch = {
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: [
    {
      name: 'clusterId',
      type: 'string',
      versions: '12+',
      nullable: '0+',
      default: null,
      ignorable: true,
      tag: 0,
    },
    { name: 'replicaId', type: 'int32', versions: '4-14', default: -1 },
    {
      name: 'replicaState',
      versions: '15+',
      tag: 1,
      struct: [
        { name: 'replicaId', type: 'int32', default: -1 },
        { name: 'replicaEpoch', type: 'int64', default: -1 },
      ],
    },
    { name: 'maxWaitMs', type: 'int32' },
    { name: 'minBytes', type: 'int32' },
    { name: 'maxBytes', type: 'int32', default: 0x7fffffff },
    { name: 'isolationLevel', type: 'int8', default: 0 },
    { name: 'sessionId', type: 'int32', versions: '7+', default: 0, ignorable: true },
    { name: 'sessionEpoch', type: 'int32', versions: '7+', default: -1, ignorable: true },
    {
      name: 'topics',
      array: [
        { name: 'topic', type: 'string', versions: '4-12', ignorable: true },
        { name: 'topicId', type: 'uuid', versions: '13+', ignorable: true },
        {
          name: 'partitions',
          array: [
            { name: 'partition', type: 'int32' },
            { name: 'currentLeaderEpoch', type: 'int32', versions: '9+', default: -1, ignorable: true },
            { name: 'fetchOffset', type: 'int64' },
            { name: 'lastFetchedEpoch', type: 'int32', versions: '12+', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1, ignorable: true },
            { name: 'partitionMaxBytes', type: 'int32' },
            { name: 'replicaDirectoryId', type: 'uuid', versions: '17+', ignorable: true, tag: 0 },
            {
              name: 'highWatermark',
              type: 'int64',
              versions: '18+',
              default: 9223372036854775808,
              ignorable: true,
              tag: 1,
            },
          ],
        },
      ],
    },
    {
      name: 'forgottenTopicsData',
      versions: '7+',
      array: [
        { name: 'topic', type: 'string', versions: '7-12', ignorable: true },
        { name: 'topicId', type: 'uuid', versions: '13+', ignorable: true },
        { name: 'partitions', array: 'int32' },
      ],
    },
    { name: 'rackId', type: 'string', versions: '11+', default: '', ignorable: true },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '7+' },
    { name: 'sessionId', type: 'int32', versions: '7+', default: 0 },
    {
      name: 'responses',
      array: [
        { name: 'topic', type: 'string', versions: '4-12' },
        { name: 'topicId', type: 'uuid', versions: '13+' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
            { name: 'highWatermark', type: 'int64' },
            { name: 'lastStableOffset', type: 'int64', default: -1 },
            { name: 'logStartOffset', type: 'int64', versions: '5+', default: -1 },
            {
              name: 'divergingEpoch',
              versions: '12+',
              tag: 0,
              struct: [
                { name: 'epoch', type: 'int32', default: -1 },
                { name: 'endOffset', type: 'int64', default: -1 },
              ],
            },
            {
              name: 'currentLeader',
              versions: '12+',
              tag: 1,
              struct: [
                { name: 'leaderId', type: 'int32', default: -1 },
                { name: 'leaderEpoch', type: 'int32', default: -1 },
              ],
            },
            {
              name: 'snapshotId',
              versions: '12+',
              tag: 2,
              struct: [
                { name: 'endOffset', type: 'int64', default: -1 },
                { name: 'epoch', type: 'int32', default: -1 },
              ],
            },
            {
              name: 'abortedTransactions',
              nullable: '0+',
              array: [
                { name: 'producerId', type: 'int64' },
                { name: 'firstOffset', type: 'int64' },
              ],
            },
            { name: 'preferredReadReplica', type: 'int32', versions: '11+', default: -1 },
            { name: 'records', type: 'records', nullable: '0+' },
          ],
        },
      ],
    },
    {
      name: 'nodeEndpoints',
      versions: '16+',
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
fetch satisfies Definition
