/** What has configs, by Kafka's codes (org.apache.kafka.common.config.ConfigResource.Type). */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const
