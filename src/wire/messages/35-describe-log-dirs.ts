/**
 * DescribeLogDirs (35): the data directories of a broker, and the bytes of each partition in them.
 */
import type { Definition } from '../definition.ts'

export const describeLogDirs = {
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5',
  flexible: '2+',
  request: [
    {
      name: 'topics',
      nullable: '0+',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16', versions: '3+' },
    {
      name: 'results',
      array: [
        { name: 'errorCode', type: 'int16' },
        { name: 'logDir', type: 'string' },
        {
          name: 'topics',
          array: [
            { name: 'name', type: 'string' },
            {
              name: 'partitions',
              array: [
                { name: 'partitionIndex', type: 'int32' },
                { name: 'partitionSize', type: 'int64' },
                { name: 'offsetLag', type: 'int64' },
                { name: 'isFutureKey', type: 'bool' },
              ],
            },
          ],
        },
        { name: 'totalBytes', type: 'int64', versions: '4+', default: -1 },
        { name: 'usableBytes', type: 'int64', versions: '4+', default: -1 },
        { name: 'isCordoned', type: 'bool', versions: '5+', default: false },
      ],
    },
  ],
} as const
describeLogDirs satisfies Definition
