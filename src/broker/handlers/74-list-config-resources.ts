/**
 * ListConfigResources (74), versions 0-1: what has configs (KIP-1142): the broker, its loggers, and topics.
 * Groups and client metrics are known as types, and none of them has configs here. Version 0 lists client
 * metrics only.
 */
import { messages } from '../../wire/index.ts'
import { resourceTypes } from './config-resources.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'

const allTypesVersion = 1

export const listConfigResources: Handler = handler(messages.listConfigResources, (request, context) => {
  const { clientMetrics, ...others } = resourceTypes
  const known: number[] = [clientMetrics, ...Object.values(others)]
  const asked =
    context.version < allTypesVersion
      ? [clientMetrics]
      : request.resourceTypes.length === 0
        ? known
        : request.resourceTypes
  if (!asked.every(type => known.includes(type)))
    return { throttleTimeMs: 0, errorCode: errorCodes.UNSUPPORTED_VERSION, configResources: [] }
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    configResources: [...new Set(asked)].flatMap(resourceType =>
      namesOf(resourceType, context).map(resourceName => ({ resourceName, resourceType })),
    ),
  }
})

function namesOf(resourceType: number, { broker, nodeId }: RequestContext): string[] {
  switch (resourceType) {
    case resourceTypes.topic:
      return broker.listTopics(true).map(({ name }) => name)
    case resourceTypes.broker:
    case resourceTypes.brokerLogger:
      return [`${nodeId}`]
    default:
      return []
  }
}
