/**
 * OffsetDelete (47): deletes committed offsets of a group, for topics that no member reads. It has only
 * version 0, and no compact form.
 */
import type { Definition } from '../definition.ts'

export const offsetDelete = {
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: [
    { name: 'groupId', type: 'string' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        { name: 'partitions', array: [{ name: 'partitionIndex', type: 'int32' }] },
      ],
    },
  ],
  response: [
    { name: 'errorCode', type: 'int16' },
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} as const
offsetDelete satisfies Definition
