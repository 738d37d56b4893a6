/**
 * OffsetFetch (9): the committed offsets of a group, from version 8 of several groups in one request. Null
 * topics ask for all of them.
 */
import type { Definition } from '../definition.ts'

export const offsetFetch = {
  key: 9,
  name: 'OffsetFetch',
  versions: '1-10',
  flexible: '6+',
  request: [
    { name: 'groupId', type: 'string', versions: '1-7' },
    {
      name: 'topics',
      versions: '1-7',
      nullable: '2-7',
      array: [
        { name: 'name', type: 'string' },
        { name: 'partitionIndexes', array: 'int32' },
      ],
    },
    {
      name: 'groups',
      versions: '8+',
      array: [
        { name: 'groupId', type: 'string' },
        { name: 'memberId', type: 'string', versions: '9+', nullable: '0+', default: null, ignorable: true },
        { name: 'memberEpoch', type: 'int32', versions: '9+', default: -1, ignorable: true },
        {
          name: 'topics',
          nullable: '0+',
          array: [
            { name: 'name', type: 'string', versions: '8-9', ignorable: true },
            { name: 'topicId', type: 'uuid', versions: '10+', ignorable: true },
            { name: 'partitionIndexes', array: 'int32' },
          ],
        },
      ],
    },
    { name: 'requireStable', type: 'bool', versions: '7+', default: false },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32', versions: '3+' },
    {
      name: 'topics',
      versions: '1-7',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'committedOffset', type: 'int64' },
            { name: 'committedLeaderEpoch', type: 'int32', versions: '5-7', default: -1 },
            { name: 'metadata', type: 'string', nullable: '0+' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
    { name: 'errorCode', type: 'int16', versions: '2-7', default: 0 },
    {
      name: 'groups',
      versions: '8+',
      array: [
        { name: 'groupId', type: 'string' },
        {
          name: 'topics',
          array: [
            { name: 'name', type: 'string', versions: '8-9' },
            { name: 'topicId', type: 'uuid', versions: '10+' },
            {
              name: 'partitions',
              array: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'committedOffset', type: 'int64' },
                { name: 'committedLeaderEpoch', type: 'int32', default: -1 },
                { name: 'metadata', type: 'string', nullable: '0+' },
                { name: 'errorCode', type: 'int16' },
              ],
            },
          ],
        },
        { name: 'errorCode', type: 'int16', default: 0 },
      ],
    },
  ],
} as const
offsetFetch satisfies Definition
