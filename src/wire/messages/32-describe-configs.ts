/**
 * DescribeConfigs (32): the configs of topics and brokers, with the source of each value. Null keys ask for
 * all of them.
 */
import type { Definition } from '../definition.ts'

export const describeConfigs = {
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexible: '4+',
  request: [
    {
      name: 'resources',
      array: [
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
        { name: 'configurationKeys', array: 'string', nullable: '0+' },
      ],
    },
    { name: 'includeSynonyms', type: 'bool', default: false },
    { name: 'includeDocumentation', type: 'bool', versions: '3+', default: false },
  ],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    {
      name: 'results',
      array: [
        { name: 'errorCode', type: 'int16' },
        { name: 'errorMessage', type: 'string', nullable: '0+' },
        { name: 'resourceType', type: 'int8' },
        { name: 'resourceName', type: 'string' },
        {
          name: 'configs',
          array: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'string', nullable: '0+' },
            { name: 'readOnly', type: 'bool' },
            { name: 'configSource', type: 'int8', default: -1 },
            { name: 'isSensitive', type: 'bool' },
            {
              name: 'synonyms',
              array: [
                { name: 'name', type: 'string' },
                { name: 'value', type: 'string', nullable: '0+' },
                { name: 'source', type: 'int8' },
              ],
            },
            { name: 'configType', type: 'int8', versions: '3+', default: 0 },
            { name: 'documentation', type: 'string', versions: '3+', nullable: '0+' },
          ],
        },
      ],
    },
  ],
} as const
describeConfigs satisfies Definition
