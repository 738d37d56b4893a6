/**
 * ListConfigResources (74): the resources that have configs, by type. Version 0 is the former
 * ListClientMetricsResources, which lists client metrics only.
 */
import type { Definition } from '../definition.ts'

export const listConfigResources = {
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: [{ name: 'resourceTypes', array: 'int8', versions: '1+' }],
  response: [
    { name: 'throttleTimeMs', type: 'int32' },
    { name: 'errorCode', type: 'int16' },
    {
      name: 'configResources',
      array: [
        { name: 'resourceName', type: 'string' },
        { name: 'resourceType', type: 'int8', versions: '1+', default: 16 },
      ],
    },
  ],
} as const
listConfigResources satisfies Definition
