/**
 * DeleteTopics (20): deletes topics, by name or, from version 6, by id.
 */
import type { Definition } from '../definition.ts'

export const deleteTopics = {
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: [
    {
      name: 'topics',
      versions: '6+',
      array: [
        { name: 'name', type: 'string', nullable: '0+', default: null },
        { name: 'topicId', type: 'uuid' },
      ],
    },
    { name: 'topicNames', array: 'string', versions: '1-5', ignorable: true },
    { name: 'timeoutMs', type: 'int32' },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'responses',
      array: [
        { name: 'name', type: 'string', nullable: '6+' },
        { name: 'topicId', type: 'uuid', versions: '6+' },
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', versions: '5+', nullable: '0+', default: null },
      ],
    },
  ],
} as const
deleteTopics satisfies Definition
