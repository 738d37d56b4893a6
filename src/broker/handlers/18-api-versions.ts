/**
 * ApiVersions (18), versions 0-4: which requests in which versions this broker answers. Clients ask it first.
 *
 * - Produce is said to begin at 0, though versions 0 to 2 end the connection: without that librdkafka does
 *   not compress (KAFKA-18659).
 * - The finalized features are those of a cluster of Apache Kafka 4.3. Java clients and Kafka's tools decide
 *   by `transaction.version` whether the end of a transaction raises the epoch (KIP-890).
 */
import { messages, versionsOf, type Definition, type ResponseInput } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

/** `metadata.version` of Apache Kafka 4.3. */
const metadataVersion = { min: 7, max: 30 }
const transactionVersion = 2

/** `offered`: the definitions of the other handlers. */
export function apiVersions(offered: readonly Definition[]): Handler {
  return handler(messages.apiVersions, () => offeredVersions(offered, errorCodes.NONE))
}

/** The answer, which says what is offered beside ApiVersions itself. */
export function offeredVersions(
  offered: readonly Definition[],
  errorCode: number,
): ResponseInput<typeof messages.apiVersions> {
  const { min, max } = metadataVersion
  return {
    errorCode,
    apiKeys: [...offered, messages.apiVersions]
      .map(({ key, versions }) => {
        const { min: minVersion, max: maxVersion } = versionsOf(versions)
        return { apiKey: key, minVersion: key === messages.produce.key ? 0 : minVersion, maxVersion }
      })
      .sort((a, b) => a.apiKey - b.apiKey),
    supportedFeatures: [
      { name: 'metadata.version', minVersion: min, maxVersion: max },
      { name: 'transaction.version', minVersion: 0, maxVersion: transactionVersion },
    ],
    finalizedFeaturesEpoch: 0,
    finalizedFeatures: [
      { name: 'metadata.version', minVersionLevel: max, maxVersionLevel: max },
      {
        name: 'transaction.version',
        minVersionLevel: transactionVersion,
        maxVersionLevel: transactionVersion,
      },
    ],
  }
}
