/**
 * ApiVersions (18): which requests a broker takes, in which versions. The first request of a client, so the
 * broker answers even a version that it does not know: with version 0 and error 35. The header of the
 * response is always version 0, since the client does not know yet what the broker takes (KIP-511).
 */
import type { Definition } from '../definition.ts'

export const apiVersions = {
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: [
    { name: 'clientSoftwareName', type: 'string', versions: '3+', ignorable: true },
    { name: 'clientSoftwareVersion', type: 'string', versions: '3+', ignorable: true },
  ],
  response: [
    { name: 'errorCode', type: 'int16' },
    {
      name: 'apiKeys',
      array: [
        { name: 'apiKey', type: 'int16' },
        { name: 'minVersion', type: 'int16' },
        { name: 'maxVersion', type: 'int16' },
      ],
    },
    { name: 'throttleTimeMs', type: 'int32', versions: '1+' },
    {
      name: 'supportedFeatures',
      versions: '3+',
      tag: 0,
      array: [
        { name: 'name', type: 'string' },
        { name: 'minVersion', type: 'int16' },
        { name: 'maxVersion', type: 'int16' },
      ],
    },
    { name: 'finalizedFeaturesEpoch', type: 'int64', versions: '3+', default: -1, tag: 1 },
    {
      name: 'finalizedFeatures',
      versions: '3+',
      tag: 2,
      array: [
        { name: 'name', type: 'string' },
        { name: 'maxVersionLevel', type: 'int16' },
        { name: 'minVersionLevel', type: 'int16' },
      ],
    },
    { name: 'zkMigrationReady', type: 'bool', versions: '3+', default: false, tag: 3 },
  ],
} as const
apiVersions satisfies Definition
