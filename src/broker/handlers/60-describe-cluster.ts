/**
 * DescribeCluster (60), versions 0-2: the one broker, which also is the controller. Controllers are not
 * described, as by a broker of Apache Kafka: they are asked at another endpoint, which there is none of.
 */
import { messages } from '../../wire/index.ts'
import { clusterOperations, notAsked } from './authorized-operations.ts'
import { codeOf, errorCodes, messageOf } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

const endpointTypes = { broker: 1, controller: 2 }

export const describeCluster: Handler = handler(messages.describeCluster, async (request, context) => {
  const { endpointType, includeClusterAuthorizedOperations } = request
  const { broker, endpoint, nodeId } = context
  const refused = { throttleTimeMs: 0, clusterId: '', brokers: [] }
  if (endpointType === endpointTypes.controller)
    return {
      ...refused,
      errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE,
      errorMessage: 'This is the endpoint of a broker, not of a controller.',
    }
  if (endpointType !== endpointTypes.broker)
    return {
      ...refused,
      errorCode: errorCodes.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: `Unknown endpoint type ${endpointType}: use 1 for brokers.`,
    }
  try {
    const { clusterId } = await broker.admin.describeCluster()
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      clusterId: clusterId ?? '',
      controllerId: nodeId,
      brokers: [{ brokerId: nodeId, host: endpoint.host, port: endpoint.port, isFenced: false }],
      clusterAuthorizedOperations: includeClusterAuthorizedOperations ? clusterOperations : notAsked,
    }
  } catch (error) {
    return { ...refused, errorCode: codeOf(error), errorMessage: messageOf(error) }
  }
})
