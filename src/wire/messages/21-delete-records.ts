/**
 * DeleteRecords (21): drops the records before an offset; -1 is the high watermark.
 */
import type { Definition } from '../definition.ts'

export const deleteRecords = {
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'offset', type: 'int64' },
          ],
        },
      ],
    },
    { name: 'timeoutMs', type: 'int32' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'topics',
      array: [
        { name: 'name', type: 'string' },
        {
          name: 'partitions',
          array: [
            { name: 'partitionIndex', type: 'int32' },
            { name: 'lowWatermark', type: 'int64' },
            { name: 'errorCode', type: 'int16' },
          ],
        },
      ],
    },
  ],
} as const
deleteRecords satisfies Definition
