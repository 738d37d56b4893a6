/** What has configs, as requests name it. */
import { isTopicName } from '../../base/index.ts'
import type { ConfigResource } from '../../port/index.ts'
import type { KafkaError } from './error-codes.ts'

/** By Kafka's codes (org.apache.kafka.common.config.ConfigResource.Type). */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const

export interface NamedResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** The same for the same resource. */
export function resourceKey({ resourceType, resourceName }: NamedResource): string {
  return `${resourceType}/${resourceName}`
}

/** The code of an error, and its sentence. */
export type Refusal = readonly [KafkaError, string]

/**
 * The resource; `without`: one that can be named, and has no configs here; or why there is none. All brokers,
 * with an empty name, are this one.
 */
export function resourceOf(
  { resourceType, resourceName }: NamedResource,
  nodeId: number,
): ConfigResource | 'without' | Refusal {
  switch (resourceType) {
    case resourceTypes.topic:
      if (isTopicName(resourceName)) return { type: 'topic', name: resourceName }
      return ['INVALID_TOPIC_EXCEPTION', `No topic can have the name '${resourceName}'.`]
    case resourceTypes.broker:
      if (resourceName === '' || resourceName === `${nodeId}`) return { type: 'broker' }
      return ['INVALID_REQUEST', `There is no broker '${resourceName}': name ${nodeId}, or none for all.`]
    case resourceTypes.brokerLogger:
      if (resourceName === `${nodeId}`) return 'without'
      return ['INVALID_REQUEST', `There is no broker '${resourceName}': name ${nodeId}.`]
    case resourceTypes.clientMetrics:
    case resourceTypes.group:
      if (resourceName !== '') return 'without'
      return ['INVALID_REQUEST', 'The resource has no name.']
    default:
      return ['INVALID_REQUEST', `Unknown resource type ${resourceType}.`]
  }
}

export function isRefusal(resource: ReturnType<typeof resourceOf>): resource is Refusal {
  return Array.isArray(resource)
}
